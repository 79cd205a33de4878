# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest

from benchmarks.report import Report


@pytest.fixture
def report() -> Report:
    report = Report("kitchen")
    report.add("kettle_s", 90.0, at_most=120)
    report.add("cups_per_h", 7.0, at_least=10)
    report.add("tea", "green")
    return report


def test_the_last_line_is_what_the_contract_of_benchmarks_says(report, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(Report, "keep", lambda self: tmp_path)
    report.finish(as_json=True)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(told) == {"benchmark", "at", "machine", "results", "goals"}
    assert told["results"] == {"kettle_s": 90.0, "cups_per_h": 7.0, "tea": "green"}
    assert told["goals"] == {
        "kettle_s": {"value": 90.0, "goal": "≤ 120", "met": True},
        "cups_per_h": {"value": 7.0, "goal": "≥ 10", "met": False},
    }


def test_the_table_says_which_goal_was_missed(report):
    assert [line.split()[-2:] for line in report.table().splitlines() if "NOT MET" in line] == [["NOT", "MET"]]
    assert "cups_per_h" in next(line for line in report.table().splitlines() if "NOT MET" in line)


def test_a_dated_copy_is_kept(report, tmp_path):
    kept = report.keep(tmp_path)
    assert kept.name == f"{report.at:%Y-%m-%dT%H%M%SZ}-kitchen.json"
    assert json.loads(kept.read_text())["benchmark"] == "kitchen"


def test_cpu_time_is_measured_beside_wall_time(report):
    with report.timed("sum"):
        sum(range(2_000_000))
    assert 0 < report.results["sum_cpu_s"] <= report.results["sum_s"] * 1.5
