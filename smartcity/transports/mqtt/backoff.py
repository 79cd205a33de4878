# SPDX-License-Identifier: Apache-2.0
"""Failed attempts make the next refusal from that address slower. Success is never delayed: many devices share one."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

FREE_FAILURES = 3
FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 5.0
FORGOTTEN_AFTER_S = 60.0
MAX_ADDRESSES = 10_000


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last: float = 0.0
    held: int = 0


class Backoff:
    """Instants are monotonic seconds. Remembers so many addresses, the least recent is forgotten first."""

    def __init__(self, max_held: int) -> None:
        self.max_held = max_held
        self._addresses: OrderedDict[str, _Failures] = OrderedDict()

    def failed(self, address: str, now: float) -> float:
        """Count a failure; seconds to hold the refusal back. Pair with `release` when it is positive.

        0 means answer at once: the first few failures, or an address that keeps too many refusals waiting already.
        """
        entry = self._addresses.pop(address, None) or _Failures()
        if now - entry.last > FORGOTTEN_AFTER_S:
            entry.count = 0
        entry.count, entry.last = entry.count + 1, now
        self._addresses[address] = entry
        while len(self._addresses) > MAX_ADDRESSES:
            self._addresses.popitem(last=False)
        doublings = entry.count - FREE_FAILURES - 1
        if doublings < 0 or entry.held >= self.max_held:
            return 0.0
        entry.held += 1
        return min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(doublings, 16))

    def release(self, address: str) -> None:
        entry = self._addresses.get(address)
        if entry is not None and entry.held:
            entry.held -= 1
