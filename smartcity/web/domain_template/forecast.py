# SPDX-License-Identifier: Apache-2.0
"""What is worth foreseeing."""

from __future__ import annotations

from smartcity.kernel.forecasts import Target

TARGETS = (
    Target(metric="newdomain.moisture", low=0, high=100, kinds=("bed",), purpose="Beds that will be dry tomorrow."),
)
