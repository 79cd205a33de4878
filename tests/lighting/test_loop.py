# SPDX-License-Identifier: Apache-2.0
"""What lighting's loop sees, and when it sees nothing to steer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lighting import loop
from lighting.loop import LampRow, StreetRow
from smartcity.forecasting import read as forecasts
from smartcity.telemetry import read
from smartcity.telemetry.context import Source
from tests.lighting.test_decide import change_after

NIGHT = 1_700_000_000_000  # 14 November 2023, 22:13 UTC


@pytest.fixture
def town(monkeypatch):
    segment: Any = SimpleNamespace(
        uid="S-1", name="Test street", normal_class="M3", minimum_class="M5", lanes=2, capacity=1000.0
    )
    lamp = LampRow("L-1", 60.17, 24.94, 100.0, 50.0, None, {})
    monkeypatch.setattr(loop, "inventory", lambda: [StreetRow(segment, (lamp,), (Source(7, "A-1", ()),))])
    monkeypatch.setattr(read, "latest", lambda ids: {})
    monkeypatch.setattr(forecasts, "latest", lambda ids: {})


def test_streets_are_steered_from_dusk_until_a_quarter_of_an_hour_before_dawn(town):
    dawn = change_after(NIGHT)
    dusk = change_after(dawn)
    minutes = {at: [s.uid for s in loop.gather(at).streets] for at in (dawn - 16 * 60_000, dawn - 14 * 60_000)}
    assert list(minutes.values()) == [["S-1"], []]
    assert not loop.gather(dusk - 120_000).is_dark and loop.gather(dusk).is_dark
