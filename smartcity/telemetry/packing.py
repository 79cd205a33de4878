# SPDX-License-Identifier: Apache-2.0
"""A day of one series as a few hundred bytes, and back to the bit.

A packed day is a MessagePack array: [number of readings, instants, values, scale, qualities, delays, deflated bytes].
Each of the four columns is a column of whole numbers, written as [kind, base, step, width]: what is left of a number
after `base` and `step` are taken away, in `width` bytes each (0: nothing is left). Values are decimal fractions more
often than not (21.3 °C, 4.07 kW), so they are multiplied by the smallest power of ten that makes whole numbers of them
all without losing a bit; what no power of ten makes whole goes as the bits of 4-byte or 8-byte floats.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartcity.telemetry.arrays import Floats, Ints

PLAIN: Final = 0  # number = base + rest
STEPS: Final = 1  # number = the one before + step + rest; the first is base
WIDTHS: Final = (0, 1, 2, 4, 8)
MOST_DIGITS: Final = 6
BITS_OF_FLOAT32: Final = 32
BITS_OF_FLOAT64: Final = 64
EXACT: Final = 2.0**53
LEVEL: Final = 9
Column = tuple[int, int, int, int]


class Damaged(ValueError):
    """These bytes are no packed day."""


@dataclass(frozen=True, slots=True)
class Day:
    """Columns of equal length in order of time; `at` in ms since the day began."""

    at: Ints
    value: Floats
    quality: Ints
    delay_s: Ints

    def __len__(self) -> int:
        return len(self.at)


class _Packed(msgspec.Struct, array_like=True, frozen=True, gc=False):
    n: int
    at: Column
    value: Column
    scale: int
    quality: Column
    delay_s: Column
    body: bytes

    @property
    def columns(self) -> tuple[Column, Column, Column, Column]:
        return self.at, self.value, self.quality, self.delay_s

    @property
    def layout(self) -> tuple[int, ...]:
        """Days of the same layout are rows of one table."""
        at, value, quality, delay_s = self.columns
        return (
            self.n, self.scale, at[0], at[3], value[0], value[3], quality[0], quality[3], delay_s[0], delay_s[3]
        )  # fmt: skip


def pack(day: Day) -> bytes:
    """O(n). The order of the readings must be that of their instants."""
    scale, whole = _whole(day.value)
    columns, parts = [], []
    for numbers in (day.at, whole, day.quality, day.delay_s):
        column, part = _narrowest(numbers)
        columns.append(column)
        parts.append(part)
    at, value, quality, delay_s = columns
    body = _deflated(b"".join(parts))
    return msgspec.msgpack.encode(_Packed(len(day), at, value, scale, quality, delay_s, body))


def unpack(packed: bytes) -> Day:
    """Raises Damaged."""
    found = _decoded(packed)
    at, value, quality, delay_s = (column[0] for column in _columns([found], with_delays=True))
    return Day(at, value, quality, delay_s)


def unpack_values(days: Sequence[bytes]) -> list[tuple[Ints, Floats, Ints]]:
    """Instants (ms since each day began), values and qualities of many days. Raises Damaged.

    Days of one layout are read together: a year of one meter has a few layouts, not 365.
    """
    found = [_decoded(packed) for packed in days]
    alike: dict[tuple[int, ...], list[int]] = {}
    for place, day in enumerate(found):
        alike.setdefault(day.layout, []).append(place)
    answer: list[Any] = [None] * len(found)
    for places in alike.values():
        at, value, quality, _ = _columns([found[place] for place in places], with_delays=False)
        for row, place in enumerate(places):
            answer[place] = (at[row], value[row], quality[row])
    return answer


def _decoded(packed: bytes) -> _Packed:
    try:
        found = msgspec.msgpack.decode(packed, type=_Packed)
    except msgspec.MsgspecError as error:
        raise Damaged(str(error)) from error
    fits = all(kind in (PLAIN, STEPS) and width in WIDTHS for kind, _, _, width in found.columns)
    if found.n < 0 or not fits:
        raise Damaged(f"no layout of a day: {found.layout}")
    return found


def _columns(days: list[_Packed], *, with_delays: bool) -> tuple[Ints, Floats, Ints, Ints]:
    """Instants, values, qualities and delays of days of one layout, a row a day. Raises Damaged."""
    n, size = days[0].n, days[0].n * sum(width for _, _, _, width in days[0].columns)
    read, start = [], 0
    try:
        bodies = [_inflated(day.body, size) for day in days]
        plain = np.frombuffer(b"".join(bodies), np.uint8).reshape(len(days), size)
        for name in ("at", "value", "quality", "delay_s")[: 4 if with_delays else 3]:
            columns: list[Column] = [getattr(day, name) for day in days]
            width = columns[0][3]
            read.append(_read(columns, plain[:, start : start + n * width].reshape(len(days), width, n)))
            start += n * width
    except (zlib.error, ValueError, OverflowError) as error:
        raise Damaged(str(error)) from error
    at, whole, quality, *delay_s = read
    return at, _fractions(whole, days[0].scale), quality, delay_s[0] if delay_s else at


def _whole(value: Floats) -> tuple[int, Ints]:
    """The scale and the whole numbers that give back every bit, -0.0 and all."""
    bits = value.view(np.int64)
    for digits in range(MOST_DIGITS + 1):
        with np.errstate(over="ignore"):
            scaled = np.rint(value * 10.0**digits)
        if np.abs(scaled).max(initial=0.0) < EXACT and ((scaled / 10.0**digits).view(np.int64) == bits).all():
            whole = scaled.astype(np.int64)
            if ((whole / 10.0**digits).view(np.int64) == bits).all():
                return digits, whole
    with np.errstate(over="ignore"):
        narrow = value.astype(np.float32)
    if (narrow.astype(np.float64).view(np.int64) == bits).all():
        return BITS_OF_FLOAT32, narrow.view(np.int32).astype(np.int64)
    return BITS_OF_FLOAT64, bits


def _fractions(whole: Ints, scale: int) -> Floats:
    if scale == BITS_OF_FLOAT32:
        return whole.astype(np.int32).view(np.float32).astype(np.float64)
    if scale == BITS_OF_FLOAT64:
        return whole.view(np.float64)
    if not 0 <= scale <= MOST_DIGITS:
        raise Damaged(f"scale {scale}")
    return whole / 10.0**scale


def _narrowest(numbers: Ints) -> tuple[Column, bytes]:
    """As steps or as they are, whichever deflates to fewer bytes."""
    plain = _column(PLAIN, numbers, numbers)
    if len(numbers) < 2 or plain[0][3] == 0:
        return plain
    steps = _column(STEPS, numbers, np.diff(numbers, prepend=numbers[:1]))
    if steps[0][3] == 0:
        return steps
    return min(plain, steps, key=lambda one: len(_deflated(one[1])))


def _column(kind: int, numbers: Ints, left: Ints) -> tuple[Column, bytes]:
    """`left` is what the numbers themselves are, or the steps between them with 0 before the first."""
    first = int(numbers[0]) if len(numbers) else 0
    counted = left if kind == PLAIN else left[1:]
    least = int(counted.min(initial=2**63 - 1)) if len(counted) else 0
    with np.errstate(over="ignore"):
        rest = (left - np.int64(least)).view(np.uint64)
    if kind == STEPS:
        rest[0] = 0
    width = next(width for width in WIDTHS if width == 8 or int(rest.max(initial=0)) < 256**width)
    column = (kind, least, 0, width) if kind == PLAIN else (kind, first, least, width)
    if not width:
        return column, b""
    planes: NDArray[np.uint8] = rest.astype(f"<u{width}").view(np.uint8).reshape(-1, width)
    return column, planes.T.tobytes()


def _read(columns: list[Column], planes: NDArray[np.uint8]) -> Ints:
    """Numbers, a row a column, from planes of bytes (columns, width, numbers)."""
    kind, _, _, width = columns[0]
    base = np.array([column[1] for column in columns], np.int64)[:, None]
    step = np.array([column[2] for column in columns], np.int64)[:, None]
    n = planes.shape[2]
    if not width:
        return base + step * np.arange(n) if kind == STEPS else np.repeat(base, n, axis=1)
    wide = np.ascontiguousarray(planes.transpose(0, 2, 1)).view(f"<u{width}")[:, :, 0]
    numbers = wide.view(np.int64).copy() if width == 8 else wide.astype(np.int64)
    if kind == PLAIN:
        return numbers + base
    numbers[:, 1:] += step
    numbers[:, :1] += base
    return np.cumsum(numbers, axis=1)


def _deflated(plain: bytes) -> bytes:
    if not plain:
        return b""
    squeeze = zlib.compressobj(LEVEL, zlib.DEFLATED, -15)
    return squeeze.compress(plain) + squeeze.flush()


def _inflated(body: bytes, size: int) -> bytes:
    """Raises zlib.error and ValueError where it is not `size` bytes."""
    plain = zlib.decompress(body, -15, size or 1) if body else b""
    if len(plain) != size:
        raise ValueError(f"{len(plain)} bytes where {size} were packed")
    return plain
