# SPDX-License-Identifier: Apache-2.0
"""How long a downlink is on air, and how much of its legal hour each gateway has left (EU868)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import ceil
from typing import Final

from smartcity.transports.bridge.network import OnAir

HOUR_S: Final = 3_600.0
OVERHEAD: Final = 13  # LoRaWAN 1.0.4, 4: MHDR 1, DevAddr 4, FCtrl 1, FCnt 2, FPort 1, MIC 4
RX2_HZ: Final = 869_525_000  # LoRaWAN regional parameters RP002, EU863-870: the second window, class B beacons, class C
FSK_BITS_S: Final = 50_000


@dataclass(frozen=True, slots=True)
class Band:
    """`duty` is the part of an hour in which one transmitter may be on air."""

    low_hz: int
    high_hz: int
    duty: float

    def __str__(self) -> str:
        return f"{self.low_hz / 1e6:g}–{self.high_hz / 1e6:g} MHz"


# ETSI EN 300 220-2 V3.2.1, table B.1, bands K, L, M, N, P, Q; ERC Recommendation 70-03, annex 1.
EU868: Final = (
    Band(863_000_000, 865_000_000, 0.001),
    Band(865_000_000, 868_000_000, 0.01),
    Band(868_000_000, 868_600_000, 0.01),
    Band(868_700_000, 869_200_000, 0.001),
    Band(869_400_000, 869_650_000, 0.1),
    Band(869_700_000, 870_000_000, 0.01),
)


def band_of(frequency_hz: int) -> Band | None:
    """None where no duty cycle is known: outside Europe, or where nobody may send at all."""
    return next((band for band in EU868 if band.low_hz <= frequency_hz < band.high_hz), None)


def time_on_air_s(frame_bytes: int, spreading: int, bandwidth_hz: int = 125_000) -> float:
    """Seconds on air of a LoRaWAN downlink with `frame_bytes` of application payload.

    Semtech SX1276/77/78/79 datasheet, 4.1.1.7 (also AN1200.13): T_sym = 2^SF / BW, T_preamble = (8 + 4.25) T_sym,
    n_payload = 8 + max(ceil((8 PL - 4 SF + 28 + 16 CRC - 20 IH) / (4 (SF - 2 DE))) (CR + 4), 0). LoRaWAN: coding rate
    4/5 (CR 1), explicit header (IH 0), no CRC on downlinks (CRC 0), DE 1 where a symbol takes 16 ms and more. Spreading
    0 is FSK at 50 kbit/s: preamble 5, sync word 3, length 1, payload, CRC 2 (RP002).
    """
    size = OVERHEAD + frame_bytes
    if spreading == 0:
        return (5 + 3 + 1 + size + 2) * 8 / FSK_BITS_S
    symbol_s = 2**spreading / bandwidth_hz
    slow = symbol_s >= 0.016
    blocks = ceil((8 * size - 4 * spreading + 28) / (4 * (spreading - 2 * slow)))
    return float(symbol_s * (8 + 4.25 + 8 + max(blocks, 0) * 5))


@dataclass(slots=True)
class Spent:
    """Airtime one gateway has spent, or is about to."""

    gateway: str
    band: Band
    at: float
    seconds: float


class Airtime:
    """The last hour of each gateway and band, of our own downlinks. Instants are monotonic seconds.

    The network sends more than ours (joins, acknowledgements, its own commands), so only `share` of the legal time is
    ours to spend.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        self._spent: dict[tuple[str, Band], deque[Spent]] = {}

    def budget_s(self, band: Band) -> float:
        return self.share * band.duty * HOUR_S

    def used_s(self, gateway: str, band: Band, now: float) -> float:
        entries = self._spent.get((gateway, band), deque())
        while entries and entries[0].at <= now - HOUR_S:
            entries.popleft()
        return sum(entry.seconds for entry in entries)

    def wait_s(self, gateway: str, band: Band, seconds: float, now: float) -> float:
        """0 when so many seconds may be spent now, else how long until they may; infinity when never."""
        over = self.used_s(gateway, band, now) + seconds - self.budget_s(band)
        if over <= 1e-9:
            return 0.0
        for entry in self._spent.get((gateway, band), ()):
            over -= entry.seconds
            if over <= 1e-9:
                left_s = entry.at + HOUR_S - now
                return left_s if left_s > 1e-6 else 0.0
        return float("inf")

    def spend(self, gateway: str, band: Band, seconds: float, now: float) -> Spent:
        entry = Spent(gateway, band, now, seconds)
        self._spent.setdefault((gateway, band), deque()).append(entry)
        return entry

    def correct(self, entry: Spent, on_air: OnAir | None, frame_bytes: int, now: float) -> None:
        """It has been transmitted now, and as the network says where it says how."""
        self.give_back(entry)
        if on_air is None or not on_air.frequency_hz:
            self.spend(entry.gateway, entry.band, entry.seconds, now)
        elif band := band_of(on_air.frequency_hz):
            seconds = time_on_air_s(frame_bytes, on_air.spreading, on_air.bandwidth_hz)
            self.spend(on_air.gateway or entry.gateway, band, seconds, now)

    def give_back(self, entry: Spent) -> None:
        """It was not transmitted after all."""
        entries = self._spent.get((entry.gateway, entry.band), deque())
        if entry in entries:
            entries.remove(entry)
