# SPDX-License-Identifier: Apache-2.0
"""So many requests a second for each sender, and so many at once."""

from __future__ import annotations

MOST_SENDERS = 10_000


class Allowance:
    """A bucket of `burst` requests per sender that fills at `rate_s`. Those not heard of for a while are forgotten."""

    def __init__(self, rate_s: float, burst: int) -> None:
        self.rate_s = rate_s
        self.burst = float(burst)
        self._left: dict[str, tuple[float, float]] = {}

    def wait_s(self, sender: str, now: float) -> float:
        """0 when the sender may go on, which is counted; else when to come again. `now` is monotonic seconds."""
        left, since = self._left.get(sender, (self.burst, now))
        left = min(self.burst, left + (now - since) * self.rate_s)
        if len(self._left) >= MOST_SENDERS:
            self._forget(now)
        if left < 1:
            return (1 - left) / self.rate_s
        self._left[sender] = left - 1, now
        return 0.0

    def _forget(self, now: float) -> None:
        """Whose bucket is full again needs no place; if that is not enough, all start anew."""
        full_s = self.burst / self.rate_s
        self._left = {name: had for name, had in self._left.items() if now - had[1] < full_s}
        if len(self._left) >= MOST_SENDERS:
            self._left.clear()
