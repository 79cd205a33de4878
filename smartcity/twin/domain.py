# SPDX-License-Identifier: Apache-2.0
"""One domain's simulated devices: its room `twin` found by folder, stepped, asked, and survived when it breaks."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, cast

import msgspec

from smartcity.kernel.street import Ack, Hello, StreetDevice, TwinModel, Up, World

log = logging.getLogger(__name__)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30.0, 600.0
Said = Up | Hello | Ack


class Domain:
    """`model` is None while it is not built or broken; the other domains go on meanwhile."""

    def __init__(self, name: str, devices: Sequence[StreetDevice], world: World, seed: int) -> None:
        self.name, self.devices, self.world, self.seed = name, devices, world, seed
        self.model: TwinModel | None = None
        self._uids = {device.uid for device in devices}
        self.every_ms = 1000
        self.next_ms = 0
        self.failures = 0

    def build(self) -> TwinModel | None:
        """Make a model, which may take seconds and be done in another thread; None when that fails."""
        try:
            return cast(TwinModel, room(self.name, "twin").Twin(self.devices, self.world, self.seed))
        except Exception as error:  # noqa: BLE001 - a domain without its simulator must not stop the others
            self._broken("cannot be simulated", error)
            return None

    def start(self, model: TwinModel, now_ms: int) -> None:
        self.model, self.every_ms = model, max(1, round(model.every_s * 1000))
        self.join(now_ms)

    def join(self, now_ms: int) -> None:
        """Take part from the next full period on, so that a run's steps fall on the same instants every time."""
        self.next_ms = -(-now_ms // self.every_ms) * self.every_ms

    def step(self) -> list[Said]:
        """What the devices say at `next_ms`; nothing from a domain that breaks while it is stepped."""
        if self.model is None:
            return []
        now_ms, self.next_ms = self.next_ms, self.next_ms + self.every_ms
        try:
            said = list(self.model.step(now_ms, self.every_ms / 1000))
            strangers = {one.uid for one in said} - self._uids
            if strangers:
                raise LookupError(f"it speaks for {', '.join(sorted(strangers)[:3])}, which are not devices of its")
            return said
        except Exception as error:  # noqa: BLE001 - as above
            self._broken("has stopped", error)
            return []

    def command(self, uid: str, payload: bytes, now_ms: int) -> Iterable[Ack]:
        """A device's answers to what arrived for it; bytes it cannot read get none, as on a real street."""
        if self.model is None:
            return []
        try:
            return list(self.model.command(uid, self._read(uid, payload), now_ms))
        except Exception:
            log.exception("%s: device %s made nothing of a command of %d bytes", self.name, uid, len(payload))
            return []

    def hello(self, uid: str) -> Mapping[str, Any] | None:
        if self.model is None:
            return None
        try:
            return self.model.hello(uid)
        except Exception:
            log.exception("%s: device %s cannot say what it is", self.name, uid)
            return None

    def close(self) -> None:
        model, self.model = self.model, None
        if model is not None and hasattr(model, "close"):
            model.close()

    @property
    def pause_s(self) -> float:
        """Wall seconds to wait before building it once more."""
        return float(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(self.failures - 1, 10)))

    def _read(self, uid: str, payload: bytes) -> Mapping[str, Any]:
        own = getattr(self.model, "read", None)
        return cast(Mapping[str, Any], own(uid, payload) if own else msgspec.json.decode(payload, type=dict[str, Any]))

    def _broken(self, what: str, error: Exception) -> None:
        self.failures += 1
        log.error(
            "%s %s (%s: %s). Its %s devices stay silent, the other domains go on; the next attempt is in %.0f s.",
            self.name, what, type(error).__name__, error, f"{len(self.devices):,}", self.pause_s,
            exc_info=not isinstance(error, ImportError),
        )  # fmt: skip
        try:
            self.close()
        except Exception:
            log.exception("%s: its model did not close", self.name)


def has_twin(domain: str) -> bool:
    """Whether there is a folder of that name with a room `twin`."""
    return bool(find_spec(domain)) and bool(find_spec(f"{domain}.twin"))


def room(domain: str, name: str) -> Any:
    """The module; raises ImportError where there is none."""
    return import_module(f"{domain}.{name}")


def find(domain: str, name: str) -> Any | None:
    """The module, or None where the domain has no such room."""
    return room(domain, name) if find_spec(domain) and find_spec(f"{domain}.{name}") else None
