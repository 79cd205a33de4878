# SPDX-License-Identifier: Apache-2.0
"""Timing sheets: what a signals engineer checks and signs. The platform asks `TRADES` before a record is signed."""

from __future__ import annotations

from smartcity.kernel.engineering import Trade
from traffic.engineering import record

TRADES = {"intersection": Trade(record.why_not, record.words)}
