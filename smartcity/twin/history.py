# SPDX-License-Identifier: Apache-2.0
"""The weeks before the first day: what every device would have measured, and sent in its own payload. No Django.

The values come from each domain's demand profile under the same weather as the lived day, not from a simulation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol, cast
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt

from smartcity.kernel import senml
from smartcity.kernel.codecs import Codec
from smartcity.kernel.street import LonLat, StreetDevice
from smartcity.twin.domain import find, room
from smartcity.twin.street import Street, read
from smartcity.twin.world import StreetWorld

Array = npt.NDArray[np.float64]
Instants = npt.NDArray[np.int64]
STEP_S = 900
PACK = 960  # records in one message
_encode = msgspec.json.encode


class Profile(Protocol):
    """A domain's room `history`: its function `profile`, or that of its class `History`."""

    def __call__(
        self, asset: StreetDevice, metric: str, times_ms: Instants, rng: np.random.Generator
    ) -> Array | None: ...


Write = Callable[[StreetDevice, int, Mapping[str, float]], bytes]


@dataclass(frozen=True, slots=True)
class Slab:
    """Readings of all series over one span: `values[series, times]`, NaN where nothing was measured."""

    keys: tuple[tuple[str, str], ...]
    times_ms: Instants
    values: Array


class BadHistory(Exception):
    """A payload made of a domain's history did not come out of its codec as it went in: a fault in our own code."""


def steps(from_ms: int, to_ms: int, step_s: int = STEP_S) -> Instants:
    """The middle of every whole step in [from_ms, to_ms): what is measured there stands for the step."""
    step_ms = step_s * 1000
    first, end = -(-from_ms // step_ms), to_ms // step_ms
    return np.arange(first, end, dtype=np.int64) * step_ms + step_ms // 2


def generate(
    street: Street, from_ms: int, to_ms: int, step_s: int = STEP_S, only: Sequence[str] = ()
) -> Iterator[tuple[str, str, Instants, Array]]:
    """(uid, metric, instants, values) of every series with a past; NaN where there is no reading."""
    times = steps(from_ms, to_ms, step_s)
    if not len(times):
        return
    for name, devices in street.by_domain(only).items():
        profile = _profile(name, devices, street)
        if profile is None:
            continue
        for device in devices:
            for metric in device.metrics:
                values = _values(profile, device, metric, times, street.seed)
                if values is not None:
                    yield device.uid, metric, times, np.asarray(values, np.float64)


def slabs(street: Street, edges: Sequence[int], step_s: int = STEP_S, only: Sequence[str] = ()) -> Iterator[Slab]:
    """The same history, span by span between `edges` (ms, ascending), after a trip through each device's codec."""
    found = list(generate(street, edges[0], edges[-1], step_s, only))
    if not found:
        return
    of = {device.uid: device for device in street.devices}
    keys = tuple((uid, metric) for uid, metric, _, _ in found)
    whole, times = np.stack([values for *_, values in found]), found[0][2]
    rows: dict[str, dict[str, int]] = {}
    for row, (uid, metric) in enumerate(keys):
        rows.setdefault(uid, {})[metric] = row
    senders = {uid: Sender.of(of[uid]) for uid in rows}
    for start, end in pairwise(edges):
        span = slice(*np.searchsorted(times, [start, end]).tolist())
        part = np.full((len(keys), span.stop - span.start), np.nan)
        for uid, own in rows.items():
            numbers = list(own.values())
            part[numbers] = senders[uid].there_and_back(tuple(own), times[span], whole[numbers, span])
        yield Slab(keys, times[span], part)


def serve(line: Connection, path: Path, edges: Sequence[int], only: Sequence[str]) -> None:
    """What a process that only works out the history runs: slabs, then None; a sentence when it cannot."""
    try:
        for slab in slabs(read(path), edges, only=only):
            line.send(slab)
        line.send(None)
    except BrokenPipeError:
        return
    except Exception as error:
        line.send(f"{type(error).__name__}: {error}")
        raise


@dataclass(frozen=True, slots=True)
class Sender:
    """One device's way of writing its readings, and the codec that reads them."""

    device: StreetDevice
    codec: Codec
    write: Write | None

    @classmethod
    def of(cls, device: StreetDevice) -> Sender:
        own = None if device.codec == senml.CODEC.name else _own_codec(device)
        write = getattr(find(device.domain, "history"), "write", None)
        return cls(device, own or senml.CODEC, write if own else None)

    def there_and_back(self, metrics: Sequence[str], times_ms: Instants, values: Array) -> Array:
        """`values[metrics, times]` as they are after being sent and decoded. Raises BadHistory."""
        if self.write is None:
            return self._packed(metrics, times_ms, values)
        out = np.full(values.shape, np.nan)
        place = {metric: row for row, metric in enumerate(metrics)}
        for column, (at_ms, seen) in enumerate(zip(times_ms.tolist(), values.T.tolist(), strict=True)):
            said = {metric: value for metric, value in zip(metrics, seen, strict=True) if value == value}
            if said:
                for one in self.codec.decode(self.write(self.device, at_ms, said), at_ms):
                    if one.at_ms is not None and one.at_ms != at_ms:
                        raise BadHistory(f"{self.device.uid}: {one.metric} of {at_ms} came back as {one.at_ms}")
                    if one.metric in place:
                        out[place[one.metric], column] = one.value
        return out

    def _packed(self, metrics: Sequence[str], times_ms: Instants, values: Array) -> Array:
        """SenML, many readings a message."""
        out = np.full(values.shape, np.nan)
        each = max(1, PACK // len(metrics))
        for start in range(0, len(times_ms), each):
            at = times_ms[start : start + each]
            block = values[:, start : start + each]
            known = np.isfinite(block)
            if not known.any():
                continue
            back = self.codec.decode(_pack(metrics, at, block, known), int(at[-1]))
            if [(one.metric, one.at_ms) for one in back] != _expected(metrics, at, known):
                raise BadHistory(f"{self.device.uid}: readings came back under other names or instants")
            out[:, start : start + each][known] = [one.value for one in back]
        return out


def _pack(metrics: Sequence[str], at: Instants, block: Array, known: npt.NDArray[np.bool_]) -> bytes:
    """Metric by metric, times relative to the pack's base time."""
    base = int(at[0]) / 1000
    pack: list[dict[str, float | str]] = []
    for row, metric in enumerate(metrics):
        offsets = ((at[known[row]] - at[0]) / 1000).tolist()
        pack += [{"n": metric, "t": t, "v": v} for t, v in zip(offsets, block[row][known[row]].tolist(), strict=True)]
    pack[0]["bt"] = base
    return _encode(pack)


def _expected(metrics: Sequence[str], at: Instants, known: npt.NDArray[np.bool_]) -> list[tuple[str, int | None]]:
    return [(metric, when) for row, metric in enumerate(metrics) for when in at[known[row]].tolist()]


def _power(street: Street, times_ms: Instants) -> dict[LonLat, Array]:
    """W by place of what others meter: of each domain whose room `history` names the metric of it in `DRAWS`."""
    drawn: dict[LonLat, Array] = {}
    for name, devices in street.by_domain().items():
        metric = getattr(find(name, "history"), "DRAWS", "")
        profile = _profile(name, devices, street) if metric else None
        if profile is not None:
            for device in devices:
                values = _values(profile, device, metric, times_ms, street.seed) if metric in device.metrics else None
                if values is not None:
                    drawn[device.point] = drawn.get(device.point, np.zeros(len(times_ms))) + values
    return drawn


def _values(profile: Profile, device: StreetDevice, metric: str, times_ms: Instants, seed: int) -> Array | None:
    """The same whenever it is asked for."""
    return profile(device, metric, times_ms, np.random.default_rng([seed, crc32(f"{device.uid}/{metric}".encode())]))


def _profile(domain: str, devices: Sequence[StreetDevice], street: Street) -> Profile | None:
    found = find(domain, "history")
    if hasattr(found, "History"):
        world = StreetWorld(
            street.centre, street.zone, street.seed, map_file=street.map_file, folder=street.folder,
            past=partial(_power, street),
        )  # fmt: skip
        return cast(Profile, cast(Any, found).History(devices, world, street.seed).profile)
    return cast("Profile | None", getattr(found, "profile", None))


def _own_codec(device: StreetDevice) -> Codec | None:
    """The domain's codec of that name, if the domain can also write what it reads.

    Codecs a history names in HOUSE_FORMAT read that as well, and a long past is packed in it.
    """
    history = find(device.domain, "history")
    if not hasattr(history, "write") or device.codec in getattr(history, "HOUSE_FORMAT", ()):
        return None
    return next((codec for codec in room(device.domain, "codecs").CODECS if codec.name == device.codec), None)
