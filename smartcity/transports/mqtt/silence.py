# SPDX-License-Identifier: Apache-2.0
"""How long a peer may say nothing. Only whole packets are signs of life, dripping bytes are not (MQTT 5, 3.1.2.10)."""

from __future__ import annotations

from smartcity.transports.mqtt.limits import Limits

GRACE = 1.5


class Silence:
    """Instants are monotonic seconds. Before `agree` the time for CONNECT runs, afterwards the keep-alive."""

    def __init__(self, now: float, limits: Limits) -> None:
        self._since = now
        self._longest_s = limits.connect_timeout_s
        self._packet_timeout_s = limits.packet_timeout_s
        self._partial_since: float | None = None

    def agree(self, keep_alive_s: int) -> None:
        """0 is none: the device may be silent for ever, but not in the middle of a packet."""
        self._longest_s = GRACE * keep_alive_s if keep_alive_s else float("inf")

    def heard_packet(self, now: float) -> None:
        self._since, self._partial_since = now, None

    def heard_part(self, now: float) -> None:
        if self._partial_since is None:
            self._partial_since = now

    @property
    def deadline(self) -> float:
        longest = self._since + self._longest_s
        return longest if self._partial_since is None else min(longest, self._partial_since + self._packet_timeout_s)
