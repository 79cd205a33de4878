# SPDX-License-Identifier: Apache-2.0
"""Names for assets: a prefix and the next number. A number is never given twice while its row exists."""

from __future__ import annotations

from collections import defaultdict

from smartcity.devices.models import Asset


class Numbering:
    """Goes on from the highest number of each prefix. One query."""

    def __init__(self) -> None:
        self._last: defaultdict[str, int] = defaultdict(int)
        for uid in Asset.objects.values_list("uid", flat=True).iterator():
            prefix, _, number = uid.rpartition("-")
            if number.isascii() and number.isdigit():
                self._last[prefix] = max(self._last[prefix], int(number))

    def next(self, prefix: str) -> str:
        self._last[prefix] += 1
        return f"{prefix}-{self._last[prefix]:03d}"
