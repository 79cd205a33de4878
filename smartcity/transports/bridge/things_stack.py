# SPDX-License-Identifier: Apache-2.0
"""The Things Stack v3: its events and its downlink queue, as JSON (The Things Stack documentation, Data Formats)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from smartcity.kernel.lorawan import instant_ms
from smartcity.transports.bridge.api import Call
from smartcity.transports.bridge.network import UP, Downlink, Fate, Heard, OnAir, Told, base64_of, parse, write

DEVICE_TOPIC: Final = "v3/{application}/devices/{device}"
FATES: Final = {
    "down/sent": Fate.TRANSMITTED,
    "down/ack": Fate.CONFIRMED,
    "down/nack": Fate.TRIED_AGAIN,
    "down/failed": Fate.FAILED,
}
OURS: Final = "smartcity:"  # before the id, among the correlation ids of others


class Lora(msgspec.Struct, gc=False):
    bandwidth: int = 125_000
    spreading_factor: int = 0


class DataRate(msgspec.Struct, gc=False):
    lora: Lora | None = None


class Settings(msgspec.Struct, gc=False):
    """64-bit numbers are text in this JSON."""

    data_rate: DataRate | None = None
    frequency: str | int = 0


class GatewayIds(msgspec.Struct, gc=False):
    gateway_id: str = ""


class RxMetadata(msgspec.Struct, gc=False):
    gateway_ids: GatewayIds = msgspec.field(default_factory=GatewayIds)
    rssi: float = -999.0
    snr: float = -999.0


class Message(msgspec.Struct, gc=False):
    received_at: str = ""
    rx_metadata: list[RxMetadata] = []
    settings: Settings = msgspec.field(default_factory=Settings)


class Up(msgspec.Struct, gc=False):
    uplink_message: Message = msgspec.field(default_factory=Message)


class Queued(msgspec.Struct, gc=False):
    correlation_ids: list[str] = []


class Problem(msgspec.Struct, gc=False):
    name: str = ""
    message_format: str = ""


class Failed(msgspec.Struct, gc=False):
    downlink: Queued = msgspec.field(default_factory=Queued)
    error: Problem = msgspec.field(default_factory=Problem)


class About(msgspec.Struct, gc=False):
    received_at: str = ""
    correlation_ids: list[str] = []
    downlink_ack: Queued | None = None
    downlink_nack: Queued | None = None
    downlink_sent: Queued | None = None
    downlink_failed: Failed | None = None


_up = msgspec.json.Decoder(Up)
_about = msgspec.json.Decoder(About)


class ThingsStack:
    """Its queue knows no expiry and no ids of ours, so for a device that sleeps the whole queue is put anew."""

    events: Mapping[str, str] = MappingProxyType({event: f"{DEVICE_TOPIC}/{event}" for event in (UP, *FATES)})
    replaces: bool = True

    def command_topic(self, *, replaces: bool) -> str:
        return f"{DEVICE_TOPIC}/down/{'replace' if replaces else 'push'}"

    def write(self, device: str, downlinks: Sequence[Downlink]) -> list[bytes]:
        del device
        return [write({"downlinks": [_queued(one) for one in downlinks]})]

    def call(self, group: str, downlink: Downlink, about: tuple[tuple[str, str], ...]) -> Call | None:
        """A group is a device like another there."""
        return None

    def told(self, event: str, payload: bytes) -> Told | None:
        said = parse(_about, payload)
        failed = said.downlink_failed or Failed()
        about = said.downlink_ack or said.downlink_nack or said.downlink_sent or failed.downlink
        named = (*about.correlation_ids, *said.correlation_ids)
        ours = next((name.removeprefix(OURS) for name in named if name.startswith(OURS)), "")
        if not ours:
            return None
        return Told(ours, FATES[event], failed.error.message_format or failed.error.name, instant_ms(said.received_at))

    def heard(self, payload: bytes) -> Heard:
        message = parse(_up, payload).uplink_message
        best = max(message.rx_metadata, key=lambda rx: (rx.snr, rx.rssi), default=None)
        return Heard(instant_ms(message.received_at), _on_air(best, message.settings) if best else None)


def _on_air(best: RxMetadata, settings: Settings) -> OnAir:
    lora = settings.data_rate.lora if settings.data_rate else None
    frequency = int(settings.frequency) if str(settings.frequency).isdecimal() else 0
    name = best.gateway_ids.gateway_id
    return OnAir(name, frequency, lora.spreading_factor, lora.bandwidth) if lora else OnAir(name, frequency)


def _queued(one: Downlink) -> dict[str, object]:
    queued: dict[str, object] = {
        "f_port": one.f_port,
        "frm_payload": base64_of(one.frame),
        "confirmed": one.confirmed,
        "priority": "NORMAL",
        "correlation_ids": [OURS + one.id],
    }
    if one.gateways:
        queued["class_b_c"] = {"gateways": [{"gateway_ids": {"gateway_id": name}} for name in one.gateways]}
    return queued
