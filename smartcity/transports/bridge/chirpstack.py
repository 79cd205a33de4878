# SPDX-License-Identifier: Apache-2.0
"""ChirpStack v4: its events and its command, as JSON (chirpstack/api/proto/integration/integration.proto)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

import msgspec

from smartcity.kernel.lorawan import instant_ms
from smartcity.transports.bridge.api import Call
from smartcity.transports.bridge.network import UP, Downlink, Fate, Heard, OnAir, Told, base64_of, parse, write

DEVICE_TOPIC: Final = "application/{application}/device/{device}"
EVENTS: Final = (UP, "ack", "txack", "log")


class Lora(msgspec.Struct, gc=False):
    bandwidth: int = 125_000
    spreadingFactor: int = 0


class Modulation(msgspec.Struct, gc=False):
    lora: Lora | None = None


class TxInfo(msgspec.Struct, gc=False):
    frequency: int = 0
    modulation: Modulation | None = None


class RxInfo(msgspec.Struct, gc=False):
    gatewayId: str = ""
    rssi: float = -999.0
    snr: float = -999.0


class Up(msgspec.Struct, gc=False):
    time: str = ""
    rxInfo: list[RxInfo] = []
    txInfo: TxInfo | None = None


class About(msgspec.Struct, gc=False):
    """The fields of ack, txack and log that matter here."""

    time: str = ""
    queueItemId: str = ""
    acknowledged: bool = False
    gatewayId: str = ""
    txInfo: TxInfo | None = None
    level: str = ""
    code: str = ""
    description: str = ""
    context: dict[str, str] = {}


_up = msgspec.json.Decoder(Up)
_about = msgspec.json.Decoder(About)


class ChirpStack:
    """An id the queue holds already is not queued twice, so what is said again after a restart is said once.

    Versions before 4.10 know no `expiresAt` and pass over it.
    """

    events: Mapping[str, str] = MappingProxyType({event: f"{DEVICE_TOPIC}/event/{event}" for event in EVENTS})
    replaces: bool = False

    def command_topic(self, *, replaces: bool) -> str:
        del replaces
        return f"{DEVICE_TOPIC}/command/down"

    def write(self, device: str, downlinks: Sequence[Downlink]) -> list[bytes]:
        return [write({"id": one.id, "devEui": device, "confirmed": one.confirmed} | _frame(one)) for one in downlinks]

    def call(self, group: str, downlink: Downlink, about: tuple[tuple[str, str], ...]) -> Call | None:
        """Multicast is taken over the REST interface only (chirpstack/api/proto/api/multicast_group.proto)."""
        url = f"{downlink.api_url.rstrip('/')}/api/multicast-groups/{quote(group, safe='')}/queue"
        return Call(url, downlink.api_token_file, write({"queueItem": _frame(downlink)}), downlink.id, about)

    def told(self, event: str, payload: bytes) -> Told | None:
        said = parse(_about, payload)
        at_ms = instant_ms(said.time)
        if event == "ack" and said.queueItemId:
            return Told(said.queueItemId, Fate.CONFIRMED if said.acknowledged else Fate.UNCONFIRMED, at_ms=at_ms)
        if event == "txack" and said.queueItemId:
            on_air = _on_air(said.gatewayId, said.txInfo)
            return Told(said.queueItemId, Fate.TRANSMITTED, at_ms=at_ms, on_air=on_air)
        ours = said.context.get("queue_item_id", "")
        if event == "log" and said.level == "ERROR" and ours:
            return Told(ours, Fate.EXPIRED if said.code == "EXPIRED" else Fate.FAILED, said.description, at_ms)
        return None

    def heard(self, payload: bytes) -> Heard:
        up = parse(_up, payload)
        best = max(up.rxInfo, key=lambda rx: (rx.snr, rx.rssi), default=None)
        return Heard(instant_ms(up.time), _on_air(best.gatewayId, up.txInfo) if best else None)


def _frame(one: Downlink) -> dict[str, object]:
    expires_at = datetime.fromtimestamp(one.expires_at_ms / 1000, UTC).isoformat()
    return {"fPort": one.f_port, "data": base64_of(one.frame), "expiresAt": expires_at}


def _on_air(gateway: str, tx: TxInfo | None) -> OnAir:
    if tx is None or tx.modulation is None or tx.modulation.lora is None:
        return OnAir(gateway, tx.frequency if tx else 0)
    return OnAir(gateway, tx.frequency, tx.modulation.lora.spreadingFactor, tx.modulation.lora.bandwidth)
