# SPDX-License-Identifier: Apache-2.0
"""What lighting wants foreseen: nothing. The traffic it dims by is foreseen by whoever counts it."""

from __future__ import annotations

from smartcity.kernel.forecasts import Target

TARGETS: tuple[Target, ...] = ()
