# SPDX-License-Identifier: Apache-2.0
"""Each domain's devices on a street, tried: python -m tests.conformance.street_probe MAP DOMAIN... prints JSON.

A process of its own, as the twin is: what runs on the street may load what a process with SpatiaLite must not.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from smartcity.devices import osm_read
from smartcity.kernel import senml
from smartcity.kernel.codecs import BadPayload, Codec
from smartcity.kernel.imports import AssetDraft, Town
from smartcity.kernel.street import Hello, StreetDevice, Up
from smartcity.twin.world import StreetWorld

NOW = 1_795_600_800_000 // 60_000 * 60_000
ZONE = "Europe/Helsinki"
WATCHED_S = 600
QUARTER_MS = 900_000
ENDS = {"applied", "refused", "expired"}


def devices_of(domain: str, town: Town) -> list[StreetDevice]:
    """What importcity --demo would put on the street, named after the map instead of numbered."""
    drafts: list[AssetDraft] = import_module(f"{domain}.osm").draft(town, True)
    names = {draft.external_id: re.sub(r"[^A-Za-z0-9_.-]", "-", draft.external_id)[-64:] for draft in drafts}
    return [
        StreetDevice(
            uid=names[draft.external_id],
            secret="",
            domain=domain,
            kind=draft.kind,
            codec=draft.device.codec,
            lon=draft.points[len(draft.points) // 2][0],
            lat=draft.points[len(draft.points) // 2][1],
            name=draft.name,
            parent=names.get(draft.parent, ""),
            metrics=draft.device.metrics,
            fields=draft.fields,
            engineering=draft.engineering,
            twin={"points": draft.points, "zone": ZONE, **draft.device.twin},
        )
        for draft in drafts
        if draft.device
    ]


def codecs_of(domain: str) -> dict[str, Codec]:
    own = import_module(f"{domain}.codecs").CODECS if find_spec(f"{domain}.codecs") else ()
    return {codec.name: codec for codec in (senml.CODEC, *own)}


def commandable(domain: str) -> set[str]:
    return {point.kind for point in getattr(import_module(f"{domain}.controller"), "POINTS", ())}


class Trial:
    """One domain's twin, what it was found to do wrong, and what it said."""

    def __init__(self, domain: str, town: Town, map_file: str, folder: str) -> None:
        self.domain = domain
        self.devices = {device.uid: device for device in devices_of(domain, town)}
        centre = (town.bounds[0] + town.bounds[2]) / 2, (town.bounds[1] + town.bounds[3]) / 2
        self.world = StreetWorld(centre, ZONE, 1, map_file=map_file, folder=folder)
        self.twin: Any = import_module(f"{domain}.twin").Twin(list(self.devices.values()), self.world, 1)
        self.codecs = codecs_of(domain)
        self.heard: set[str] = set()
        self.said = 0
        self.timeless = 0

    def faults(self) -> Iterator[str]:
        if not self.twin.every_s > 0:
            yield "every_s must be positive"
        yield from self._steps(NOW, WATCHED_S)
        for kind in sorted({device.kind for device in self.devices.values()}):
            uid = next(uid for uid, device in self.devices.items() if device.kind == kind and self._takes(uid))
            yield from (f"{kind} {uid}: {fault}" for fault in self._hello(uid))
            if kind in commandable(self.domain):
                yield from (f"{kind} {uid}: {fault}" for fault in self._orders(uid, NOW + WATCHED_S * 1000))

    def _takes(self, uid: str) -> bool:
        """A junction the simulator has no partner for stays on its plan and need not answer."""
        return uid not in getattr(self.twin, "unmatched", ())

    def _steps(self, from_ms: int, for_s: int) -> Iterator[str]:
        every_ms = round(self.twin.every_s * 1000)
        for now in range(from_ms, from_ms + for_s * 1000, every_ms):
            for said in self.twin.step(now, every_ms / 1000):
                if said.uid not in self.devices:
                    yield f"it speaks for {said.uid}, which is none of its devices"
                elif isinstance(said, Up):
                    yield from self._payload(said, now)
                elif isinstance(said, Hello):
                    json.dumps(dict(said.announced))
        if not self.said:
            yield f"nobody said anything in {for_s} s"
        if self.timeless > 0.05 * self.said:  # a few may have lost their clock; the city dates what they say
            yield f"{self.timeless} of {self.said} messages carry no time"

    def _payload(self, up: Up, now: int) -> Iterator[str]:
        device = self.devices[up.uid]
        self.said += 1
        try:
            found = self.codecs[device.codec].decode(up.payload, now)
        except BadPayload as error:
            yield f"{up.uid} writes what its codec cannot read: {error}"
            return
        self.heard |= {item.metric for item in found}
        self.timeless += any(item.at_ms is None for item in found)
        for item in found:
            if item.metric not in device.metrics:
                yield f"{up.uid} sends {item.metric}, which it was not drafted with"
            if item.at_ms is not None and not now - 900_000 <= item.at_ms <= now + 60_000:
                yield f"{up.uid} sends {item.metric} at {item.at_ms}, now is {now}"

    def _hello(self, uid: str) -> Iterator[str]:
        said = self.twin.hello(uid)
        if said is not None and not (isinstance(said, Mapping) and json.dumps(dict(said))):
            yield f"its announcement is no JSON object: {said!r}"

    def _orders(self, uid: str, now: int) -> Iterator[str]:
        """The rules of the contract for whatever takes instructions: leases, expiry, order, repetition."""

        def order(key: str, point: str, value: Any, sequence: int, expires_ms: int = now + 600_000) -> str:
            told = {"id": key, "point": point, "value": value, "expires_at": expires_ms, "sequence": sequence}
            acks = list(self.twin.command(uid, told, now))
            ends = [ack.state for ack in acks if ack.state in ENDS]
            strangers = {(ack.uid, ack.id) for ack in acks} - {(uid, key)}
            return f"acks for {strangers}" if strangers else ends[-1] if ends else "no answer"

        tried = (
            ("a lease", order("a", "lease", "auto", 10), "applied"),
            ("the same lease again", order("a", "lease", "auto", 10), "applied"),
            ("an order that has expired", order("b", "lease", "auto", 11, now - 1), "expired"),
            ("an older lease than the last", order("c", "lease", "auto", 3), "refused"),
            ("a point it does not have", order("d", "colour", "red", 12), "refused"),
            ("the way back to local", order("e", "lease", "local", 13), "applied"),
        )
        yield from (f"{what} was answered {got!r}, not {due!r}" for what, got, due in tried if got != due)


def history_faults(domain: str, devices: list[StreetDevice], world: StreetWorld) -> Iterator[str]:
    """One week of every metric of one device a kind: its shape, its range, the same from the same seed."""
    if not find_spec(f"{domain}.history"):
        return
    room: Any = import_module(f"{domain}.history")
    if hasattr(room, "LENGTHS"):  # it measures its street first: shape and range are those of a shorter look
        room.LENGTHS.update(settle_s=30, measure_s=60)
    profile = room.History(devices, world, 1).profile if hasattr(room, "History") else room.profile
    ranges = {metric.name: metric for metric in import_module(f"{domain}.metrics").METRICS}
    times = np.arange(NOW - 7 * 86_400_000, NOW, QUARTER_MS, dtype=np.int64)
    told = 0
    for device in {device.kind: device for device in devices}.values():
        for name in device.metrics:
            first, again = (profile(device, name, times, np.random.default_rng(7)) for _ in range(2))
            if first is None:
                continue
            told += 1
            if np.shape(first) != times.shape:
                yield f"{device.kind} {name} has the shape {np.shape(first)} for {times.shape} instants"
            elif not np.array_equal(first, again, equal_nan=True):
                yield f"{device.kind} {name} differs between two runs from one seed"
            elif np.nanmin(first) < ranges[name].low or np.nanmax(first) > ranges[name].high:
                yield f"{device.kind} {name} leaves {ranges[name].low}..{ranges[name].high}"
    if not told:
        yield "no metric has a past"


def probe(domain: str, town: Town, map_file: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        try:
            trial = Trial(domain, town, map_file, folder)
        except ModuleNotFoundError as error:
            return {"missing": str(error.name)}
        try:
            faults = list(dict.fromkeys(trial.faults()))
            past = list(history_faults(domain, list(trial.devices.values()), trial.world))
            return {"twin": faults[:20], "history": past[:20], "said": trial.said, "heard": sorted(trial.heard)}
        finally:
            if hasattr(trial.twin, "close"):
                trial.twin.close()


def main(map_file: str, *wanted: str) -> None:
    town = osm_read.read(Path(map_file))
    found = {domain: probe(domain, town, map_file) for domain in wanted if find_spec(f"{domain}.twin")}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
