# SPDX-License-Identifier: Apache-2.0
"""Fill sensors on LoRaWAN, written from their vendors' published payload descriptions.

One sensor family uses other channel numbers than the next, so a device names its codec; nothing is guessed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from smartcity.kernel import senml
from smartcity.kernel.codecs import BadPayload, Instruction, Observation, Sample
from smartcity.kernel.lorawan import dated, unwrap

NO_ECHO = 65_535
Reader = tuple[str, int, Callable[[bytes], float]]  # metric ("" = known, not kept), bytes, value


def _u8(data: bytes) -> float:
    return float(data[0])


def _u16(data: bytes) -> float:
    return float(int.from_bytes(data, "little"))


def _tenths(data: bytes) -> float:
    return int.from_bytes(data, "little", signed=True) / 10


def _flag(data: bytes) -> float:
    if data[0] > 1:
        raise BadPayload(f"a position is 0 (normal) or 1 (tilt), not {data[0]}")
    return float(data[0])


_BATTERY: Reader = ("waste.battery", 1, _u8)
_DISTANCE: Reader = ("waste.distance", 2, _u16)
_TILT: Reader = ("waste.tilt", 1, _flag)
_TEMPERATURE: Reader = ("waste.temperature", 2, _tenths)
# (channel, type) -> reader. Alarm records repeat the value and add one byte for raised or cleared.
EM310: Mapping[tuple[int, int], Reader] = {(0x01, 0x75): _BATTERY, (0x03, 0x82): _DISTANCE, (0x04, 0x00): _TILT}
EM400: Mapping[tuple[int, int], Reader] = {
    (0x01, 0x75): _BATTERY,
    (0x03, 0x67): _TEMPERATURE,
    (0x04, 0x82): _DISTANCE,
    (0x05, 0x00): _TILT,
    (0x06, 0x88): ("", 9, _u8),
    (0x83, 0x67): ("waste.temperature", 3, lambda data: _tenths(data[:2])),
    (0x84, 0x82): ("waste.distance", 3, lambda data: _u16(data[:2])),
}


@dataclass(frozen=True, slots=True)
class Milesight:
    """Channel, type, value; little-endian (Milesight EM series user guides); port 85."""

    name: str
    table: Mapping[tuple[int, int], Reader]
    sample: Sample
    version: str = "1"
    port: int = 85

    def decode(self, payload: bytes, received_at_ms: int) -> Sequence[Observation]:
        del received_at_ms
        uplink = unwrap(payload)
        return dated(self.decode_frame(uplink.data, uplink.port), uplink.at_ms)

    def decode_frame(self, frame: bytes, port: int | None) -> Sequence[Observation]:
        if port not in (None, self.port):
            raise BadPayload(f"this sensor measures on port {self.port}, not {port}")
        found = [
            Observation(metric, value, None)
            for metric, value in self._records(frame)
            if metric and not (metric == "waste.distance" and value in (0.0, NO_ECHO))
        ]
        if not found:
            raise BadPayload("no measurement in it: the sensor had no echo")
        return found

    def _records(self, data: bytes) -> list[tuple[str, float]]:
        found, at = [], 0
        while at < len(data):
            key = (data[at], data[at + 1]) if at + 1 < len(data) else None
            if key is None or key not in self.table:
                raise BadPayload(f"byte {at}: not a channel and type of this sensor")
            metric, size, value = self.table[key]
            if at + 2 + size > len(data):
                raise BadPayload(f"byte {at}: cut short")
            found.append((metric, value(data[at + 2 : at + 2 + size])))
            at += 2 + size
        return found

    def encode(self, instruction: Instruction) -> bytes:
        """A fill sensor takes no commands; whoever sends one gets it in the house format."""
        return senml.CODEC.encode(instruction)


_MBX = struct.Struct(">BHH")
MBX_VERSION = 2
_MBX_SAMPLE = Sample(
    bytes.fromhex("02012f000304d200010bb1"),
    (
        Observation("waste.distance", 1234.0, None),
        Observation("waste.valid_samples", 1.0, None),
        Observation("waste.battery_voltage", 2.993, None),
    ),
)


@dataclass(frozen=True, slots=True)
class DecentlabMbx:
    """Decentlab DL-MBX: version 2, device id, flags; bit 0 distance mm and valid samples, bit 1 battery mV.

    Big-endian 16-bit words. A distance without one valid sample is no echo and left out.
    """

    name: str = "decentlab_mbx"
    version: str = "1"
    sample: Sample = field(default=_MBX_SAMPLE)

    def decode(self, payload: bytes, received_at_ms: int) -> Sequence[Observation]:
        del received_at_ms
        uplink = unwrap(payload)
        return dated(self.decode_frame(uplink.data, uplink.port), uplink.at_ms)

    def decode_frame(self, frame: bytes, port: int | None) -> Sequence[Observation]:
        del port
        if len(frame) < _MBX.size:
            raise BadPayload(f"a message has at least {_MBX.size} bytes, this one {len(frame)}")
        version, _, flags = _MBX.unpack_from(frame)
        words = 2 * (flags & 1) + (flags >> 1 & 1)
        if version != MBX_VERSION or flags > 3 or not flags:
            raise BadPayload(f"version {version} with flags {flags:#x} is not a DL-MBX message")
        if len(frame) != _MBX.size + 2 * words:
            raise BadPayload(f"{_MBX.size + 2 * words} bytes are due by its flags, {len(frame)} came")
        values = [float(value) for value in struct.unpack_from(f">{words}H", frame, _MBX.size)]
        return [Observation(name, value, None) for name, value in _mbx(flags, values)]

    def encode(self, instruction: Instruction) -> bytes:
        return senml.CODEC.encode(instruction)


def _mbx(flags: int, values: list[float]) -> list[tuple[str, float]]:
    found = []
    if flags & 1:
        distance, samples, *values = values
        if samples and distance not in (0.0, NO_ECHO):
            found.append(("waste.distance", distance))
        found.append(("waste.valid_samples", min(samples, 255.0)))
    if flags & 2:
        found.append(("waste.battery_voltage", values[0] / 1000))
    return found


MILESIGHT_EM310 = Milesight(
    "milesight_em310",
    EM310,
    Sample(
        bytes.fromhex("01755C03824408040001"),
        (
            Observation("waste.battery", 92.0, None),
            Observation("waste.distance", 2116.0, None),
            Observation("waste.tilt", 1.0, None),
        ),
    ),
)
MILESIGHT_EM400 = Milesight(
    "milesight_em400",
    EM400,
    Sample(
        bytes.fromhex("01755C0367010104824408050001"),
        (
            Observation("waste.battery", 92.0, None),
            Observation("waste.temperature", 25.7, None),
            Observation("waste.distance", 2116.0, None),
            Observation("waste.tilt", 1.0, None),
        ),
    ),
)
CODECS = (MILESIGHT_EM310, MILESIGHT_EM400, DecentlabMbx())


def write_em400(values: Mapping[str, float], at_iso: str) -> bytes:
    """An uplink event of an EM400 as ChirpStack hands it on; for simulated sensors. Values by metric name."""
    import base64

    frame = b"".join(
        bytes(key) + _word(values[metric] * scale, size)
        for key, metric, scale, size in (
            ((0x01, 0x75), "waste.battery", 1, 1),
            ((0x03, 0x67), "waste.temperature", 10, 2),
            ((0x04, 0x82), "waste.distance", 1, 2),
            ((0x05, 0x00), "waste.tilt", 1, 1),
        )
        if metric in values
    )
    event = {"time": at_iso, "fPort": 85, "data": base64.b64encode(frame).decode()}
    return b'{"time":"%s","fPort":85,"data":"%s"}' % (str(event["time"]).encode(), str(event["data"]).encode())


def _word(value: float, size: int) -> bytes:
    return round(value).to_bytes(size, "little", signed=value < 0)
