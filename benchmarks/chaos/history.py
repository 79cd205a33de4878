# SPDX-License-Identifier: Apache-2.0
"""What simulated devices say, and the log each keeps of what it sent and what it heard."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
METRICS: Final = ("lighting.power_w", "lighting.dim_level", "traffic.speed", "traffic.green_s")
SAID: Final = 2  # of these, as every reading of the first two is kept; of speed one a minute, of the green the latest
MANY: Final = len(METRICS)


class Heard(IntEnum):
    NOTHING = 0
    ACKNOWLEDGED = 1
    REFUSED = 2


@dataclass(frozen=True, slots=True)
class Rows:
    """Readings: columns of equal length. `series` counts devices times metrics, it is no id of a database."""

    series: Ints
    at: Ints
    value: Floats

    def __len__(self) -> int:
        return len(self.at)

    def take(self, which: NDArray[Any]) -> Rows:
        return Rows(self.series[which], self.at[which], self.value[which])

    @property
    def key(self) -> Ints:
        """(at, series) as one number, ordered alike."""
        return self.at * 2**20 + self.series


@dataclass(frozen=True, slots=True)
class Log:
    """A line a message. `sent` and `heard_at` are monotonic seconds; `heard_at` is NaN where nothing was heard."""

    device: Ints
    number: Ints
    at: Ints
    sent: Floats
    heard: Ints
    heard_at: Floats
    each: int

    def __len__(self) -> int:
        return len(self.at)

    def take(self, which: NDArray[Any]) -> Log:
        ints = (self.device[which], self.number[which], self.at[which])
        return Log(*ints, self.sent[which], self.heard[which], self.heard_at[which], self.each)

    def that_heard(self, what: Heard) -> Log:
        return self.take(self.heard == what)

    @property
    def readings(self) -> Rows:
        """What is in the messages, line by line."""
        k = np.tile(np.arange(self.each), len(self))
        device, number, at = (np.repeat(column, self.each) for column in (self.device, self.number, self.at))
        return Rows(device * MANY + k % SAID, at + k // SAID, value(device, number, k))


class LogBook:
    """Written by the devices while they talk; `each` is how many readings a message has."""

    def __init__(self, each: int = 4) -> None:
        self.each = each
        self.device, self.number, self.at = array("q"), array("q"), array("q")
        self.sent, self.heard_at = array("d"), array("d")
        self.heard = array("q")
        self.acknowledged = 0

    def __len__(self) -> int:
        return len(self.at)

    def say(self, device: int, number: int, at: int, now: float) -> int:
        """The line to write into when an answer comes."""
        self.device.append(device)
        self.number.append(number)
        self.at.append(at)
        self.sent.append(now)
        self.heard_at.append(np.nan)
        self.heard.append(Heard.NOTHING)
        return len(self.at) - 1

    def hear(self, line: int, what: Heard, now: float) -> None:
        self.heard[line], self.heard_at[line] = what, now
        self.acknowledged += what is Heard.ACKNOWLEDGED

    def read(self) -> Log:
        """All of it so far."""
        return Log(
            np.array(self.device), np.array(self.number), np.array(self.at), np.array(self.sent),
            np.array(self.heard), np.array(self.heard_at), self.each,
        )  # fmt: skip


@overload
def value(device: int, number: int, k: int) -> float: ...
@overload
def value(device: Ints, number: Ints, k: Ints) -> Floats: ...
def value(device: Any, number: Any, k: Any) -> Any:
    """Of the k-th reading of a message: a quarter step below 100, so that a reading put elsewhere is noticed."""
    return (number * 7 + device * 3 + k) % 400 / 4


def payload(device: int, number: int, at: int, each: int) -> bytes:
    """The message as a device writes it: SenML, its metrics in turn, a millisecond later each round."""
    records = ",".join(
        f'{{"n":"{METRICS[k % SAID]}","v":{value(device, number, k)},"t":{(at + k // SAID) / 1000:.3f}}}'
        for k in range(each)
    )
    return f"[{records}]".encode()
