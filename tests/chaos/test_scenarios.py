# SPDX-License-Identifier: Apache-2.0
"""Each scenario of script/chaos in its quick version: the faults are real, the numbers small."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks.chaos.__main__ import ENTRIES, Entry, row
from benchmarks.chaos.findings import Findings
from benchmarks.report import Report
from tests.city import ROOT

pytestmark = pytest.mark.timeout(600)
BY_NAME = {entry.name: entry for entry in ENTRIES}


def ran(name):
    """What the scenario found; how fast this machine is at the moment is no part of a test."""
    report = Report("test")
    row(BY_NAME[name], report, {"quick": True})
    missed = [goal for goal, told in report.goals.items() if not told.met and not goal.endswith(("_s", "_over_outage"))]
    return report.results, missed


@pytest.mark.slow
@pytest.mark.proof  # of scale: its short form is tests/ingest/test_nothing_acknowledged_is_lost.py, and the demo's kill
def test_killed_twice_on_sqlite_nothing_acknowledged_is_lost():
    results, missed = ran("kill_sqlite")
    assert missed == []
    assert results["kill_sqlite_kills"] == 2 and results["kill_sqlite_acknowledged_readings"] > 1_000


@pytest.mark.slow
@pytest.mark.proof
def test_a_database_killed_twice_loses_nothing_and_nothing_is_acknowledged_meanwhile():
    results, missed = ran("database_killed")
    assert missed == []
    assert results["database_killed_outages"] == 2 and results["database_killed_acknowledged_meanwhile"] == 0


@pytest.mark.slow
@pytest.mark.proof
def test_a_full_disk_loses_nothing_and_nothing_is_acknowledged_meanwhile():
    results, missed = ran("disk_full_sqlite")
    if str(results["disk_full_sqlite"]).startswith("skipped"):
        pytest.skip(str(results["disk_full_sqlite"]))
    assert missed == []
    assert results["disk_full_sqlite_longest_outage_s"] > 5


@pytest.mark.slow
@pytest.mark.proof
def test_a_street_in_disorder_leaves_the_tables_of_one_in_order():
    results, missed = ran("disorder_sqlite")
    assert missed == []
    assert results["disorder_sqlite_from_the_future"] > 0 and results["disorder_sqlite_kills"] == 1


@pytest.mark.slow
def test_fifteen_thousand_fuzzed_payloads_break_nothing_and_are_all_counted():
    results, missed = ran("fuzz")
    assert missed == []
    assert results["fuzz_readings_kept"] > 100 and results["fuzz_mqtt_packets_hurt"] > 0
    assert results["fuzz_coap_requests_hurt_inside"] > 0 and results["fuzz_coap_turned_away"] > 0


@pytest.mark.slow
@pytest.mark.proof
@pytest.mark.needs_mosquitto
def test_a_broker_and_a_subscriber_lose_what_was_acknowledged_and_the_gateway_killed_as_often_does_not():
    results, missed = ran("mosquitto")
    assert missed == []
    assert results["mosquitto_default_kills"] == results["mosquitto_gateway_kills"] == 2
    assert results["mosquitto_default_lost"] > 0 == results["mosquitto_gateway_lost"]


@pytest.mark.slow
@pytest.mark.proof
@pytest.mark.needs_mosquitto
def test_a_city_behind_a_broker_loses_nothing_it_has_acknowledged_to_it():
    results, missed = ran("bridge")
    assert missed == []
    assert results["bridge_kills_of_broker"] == 3 and results["bridge_messages_acknowledged_by_bridge"] > 1_000


@pytest.mark.slow
@pytest.mark.proof
def test_a_soak_of_seconds_has_its_series_and_no_verdict_on_memory():
    results, missed = ran("soak")
    assert missed == []
    assert len(str(results["soak_memory_mb_by_slice"]).split()) == results["soak_slices"] == 4
    assert results["soak_acknowledged_readings"] > 1_000


@pytest.mark.slow
@pytest.mark.proof
def test_without_redis_devices_and_control_go_on_and_the_page_says_so():
    results, missed = ran("redis")
    assert missed == []
    assert results["redis_commands_asked"] > 10


@pytest.mark.slow
@pytest.mark.proof
def test_processes_that_stand_still_lose_nothing_and_do_nothing_twice():
    results, missed = ran("pause")
    assert missed == []
    assert results["pause_paused"] == 2 and results["pause_loop_rounds_seen"] > 10


def test_without_a_name_the_scenarios_are_listed_and_what_is_not_built_says_so():
    done = subprocess.run([ROOT / "script" / "chaos"], capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in done.stdout.splitlines()] == [entry.name for entry in ENTRIES]
    assert all(("not built yet" in line) != bool(BY_NAME[line.split()[0]].runs) for line in done.stdout.splitlines())


def test_what_does_not_exist_yet_is_no_success():
    report = Report("test")
    line = row(Entry("flood", "the river"), report, {"quick": True})
    assert report.results["flood"] == "not built yet" and "passed" not in line


def test_a_scenario_passes_only_when_every_bound_is_kept():
    found = Findings("kitchen", Report("test"))
    found.add("lost", 0, at_most=0)
    assert found.verdict == "passed"
    found.add("back_s", 11.0, at_most=10)
    assert found.verdict == "FAILED: back_s"
    assert json.loads(found.report.line())["goals"]["kitchen_back_s"]["met"] is False


def test_an_unknown_scenario_is_named():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.chaos", "flood"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "flood" in done.stderr
