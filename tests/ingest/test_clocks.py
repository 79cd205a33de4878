# SPDX-License-Identifier: Apache-2.0
"""How far devices' clocks are off, from stamps alone."""

from __future__ import annotations

import numpy as np
import pytest

from smartcity.ingest import clocks
from smartcity.ingest.clocks import WHILE_MS, Clocks, Stamps
from smartcity.kernel.codecs import NO_TIME
from smartcity.telemetry import book
from tests.ingest.conftest import NOW, POWER, senml
from tests.telemetry.conftest import metric, readings

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
METRICS = {found.name: found for found in (metric("test.often"), metric("test.seldom", every_s=HOUR // 1000))}
OFTEN, SELDOM = 1, 2
BOOK = book.write([(OFTEN, "test.often"), (SELDOM, "test.seldom")], METRICS)


def told(*stamps):
    """(device, ahead ms) each, and late beyond a quarter of an hour."""
    device, ahead = np.array(stamps, np.int64).T
    return Stamps(device, ahead, np.full(len(device), 15 * MINUTE))


def noted(*batches):
    """(now, stamps) each."""
    found = Clocks()
    for now, stamps in batches:
        found.note(told(*stamps), now)
    return found


def ahead_of(found, device):
    return found.health({device: "it"}, 1.0).worst["it"]


def test_a_message_tells_by_its_newest_stamp():
    rows = readings((NOW - MINUTE, OFTEN, 1.0), (NOW + 5 * SECOND, OFTEN, 1.0), (NOW, SELDOM, 1.0), received=NOW)
    found = clocks.stamps(rows, [2, 0, 1], [7, 8, 9], BOOK)
    assert (found.device.tolist(), found.ahead.tolist()) == ([7, 9], [5 * SECOND, 0])
    assert found.late.tolist() == [15 * MINUTE, 2 * HOUR]


def test_what_has_no_stamp_tells_nothing():
    rows = readings((NO_TIME, OFTEN, 1.0), (NOW, OFTEN, 1.0), received=NOW)
    assert clocks.stamps(rows, [1, 1], [7, 9], BOOK).device.tolist() == [9]
    assert not len(clocks.stamps(rows.take(np.array([], int)), [], [], BOOK).device)


def test_the_quickest_message_of_a_while_comes_nearest():
    found = noted((NOW, [(5, -3 * SECOND), (5, -SECOND), (2, 9 * SECOND)]), (NOW + MINUTE, [(5, -HOUR)]))
    assert ahead_of(found, 5) == -1.0
    assert ahead_of(found, 2) == 9.0


def test_a_clock_that_was_set_right_is_right_after_a_while():
    found = noted((NOW, [(5, HOUR)]), (NOW + WHILE_MS, [(5, 0)]))
    assert ahead_of(found, 5) == 3600.0
    found.note(told((5, 0)), NOW + WHILE_MS + 1)
    assert ahead_of(found, 5) == 0.0


@pytest.mark.parametrize(
    ("ahead", "speed", "is_off"),
    [
        (2 * MINUTE, 1.0, False), (2 * MINUTE + 1, 1.0, True), (-15 * MINUTE, 1.0, False),
        (-15 * MINUTE - 1, 1.0, True), (-16 * MINUTE, 60.0, False), (29 * MINUTE, 60.0, False),
        (31 * MINUTE, 60.0, True),
    ],
)  # fmt: skip
def test_off_is_what_no_road_explains_and_no_haste_of_simulated_time(ahead, speed, is_off):
    assert (noted((NOW, [(5, ahead)])).off(speed) == {5: ahead / 1000}) == is_off


def test_the_health_counts_by_how_far_and_names_the_worst():
    found = noted((NOW, [(n, n * 10 * SECOND) for n in range(20)]))
    told_of = found.health({n: f"L-{n}" for n in range(20)}, 1.0)
    assert (told_of.devices, told_of.off) == (20, 7)
    assert told_of.offsets_s == {"1": 1, "5": 1, "30": 4, "120": 13, "900": 20, "3600": 20, "+Inf": 20}
    assert list(told_of.worst)[:2] == ["L-19", "L-18"] and len(told_of.worst) == 10


@pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)
async def test_the_road_hears_it_of_what_it_sets_aside_too(road, lamps):
    await road.say(senml(40.0, at=NOW + 11 * MINUTE, name=POWER))
    assert await road.quarantine() == [("future", 1)]
    assert road.pipeline.clock_health().worst == {"L-1": 660.0}
    assert road.pipeline.clocks.off(1.0) == {lamps["L-1"].pk: 660.0}
