# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from smartcity import vitals
from smartcity.web import exposition

TOLD = {
    "pipeline": {
        "ok": True, "waiting": 3, "imbalances": ["messages: 2 came in, 1 are accounted for"], "last_problem": "locked",
        "counts": {"messages.received": 5, "readings.stored": 40, "readings.duplicate": 2},
    },
    "loops": {'adaptive "signals"': {"rounds": 12, "duration_s": 0.25, "error": "", "last_run_ms": None}},
    "tasks": {"alarms": {"failures": 1, "error": "x"}},
    "event_loop": {"worst_lag_ms": 21.5},
    "gateway": {"received": 9, "refused": {"quota": 4, "bad topic": 1}},
    "http": {"answers": {"200": 7, "429": 2}},
    "server_clock": {"ahead_s": -0.25},
    "device_clocks": {"off": 1, "offsets_s": {"1": 4, "30": 5, "+Inf": 6}, "worst": {"L-7": 400.5}},
    "broken": {"error": "ValueError: no"},
}  # fmt: skip


@pytest.fixture
def samples(monkeypatch):
    monkeypatch.setattr(vitals, "sources", {name: (lambda told=told: told) for name, told in TOLD.items()})
    families = text_string_to_metric_families(exposition.text().decode())
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_the_ledgers_are_counters_by_outcome(samples):
    assert samples["smartcity_messages_total", "received"] == 5
    assert samples["smartcity_readings_total", "duplicate"] == 2


def test_numbers_yes_and_no_and_the_length_of_lists_are_gauges(samples):
    assert samples["smartcity_pipeline_ok",] == 1
    assert samples["smartcity_pipeline_imbalances",] == 1
    assert samples["smartcity_event_loop_worst_lag_ms",] == 21.5


def test_tasks_and_loops_are_told_apart_by_a_label_whatever_their_name(samples):
    assert samples["smartcity_loop_rounds_total", 'adaptive "signals"'] == 12
    assert samples["smartcity_task_failures_total", "alarms"] == 1


def test_what_is_refused_is_counted_by_its_reason(samples):
    assert samples["smartcity_gateway_received_total",] == 9
    assert samples["smartcity_gateway_refused_total", "quota"] == 4
    assert samples["smartcity_http_answers_total", "429"] == 2


def test_words_are_left_out(samples):
    assert not any("problem" in name[0] or "error" in name[0] for name in samples)


def test_clocks_are_a_histogram_and_the_worst_by_name(samples):
    assert samples["smartcity_server_clock_ahead_s",] == -0.25
    assert samples["smartcity_device_clocks_worst", "L-7"] == 400.5
    assert samples["smartcity_device_clocks_offsets_s_bucket", "30"] == 5
    assert samples["smartcity_device_clocks_offsets_s_bucket", "+Inf"] == 6


def test_what_is_not_known_just_now_has_a_name_and_no_value(monkeypatch):
    monkeypatch.setattr(vitals, "sources", {"server_clock": lambda: {"ahead_s": None}})
    told = exposition.text().decode().splitlines()
    assert [line for line in told if "ahead_s" in line] == [
        "# HELP smartcity_server_clock_ahead_s ahead_s of server clock", "# TYPE smartcity_server_clock_ahead_s gauge",
    ]  # fmt: skip
