# SPDX-License-Identifier: Apache-2.0
"""Any network of SUMO's: read, watched, and driven by the planner through codecs, limit checks and cabinets."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from traffic.street import anynet, net

SPAN = 600


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    """Two by two junctions with lanes for left turns, and a demand for ten minutes, made by SUMO's own tools."""
    folder = tmp_path_factory.mktemp("grid")
    home = net.home()
    subprocess.run(
        [
            home / "bin" / "netgenerate", "--grid", "--grid.number=2", "--grid.length=200",
            "--grid.attach-length=200", "--default.lanenumber=2", "--default-junction-type=traffic_light",
            "--tls.guess=true", "--no-turnarounds=true", "-o", folder / "grid.net.xml",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    found = anynet.read(folder / "grid.net.xml")
    ins = [edge for edge in _edges(folder / "grid.net.xml") if _is_outer(edge, 0)]
    outs = [edge for edge in _edges(folder / "grid.net.xml") if _is_outer(edge, 1)]
    pairs = [(a, b) for a in ins for b in outs if a[:2] != b[2:]]
    trips = [
        f'<trip id="t{n}" depart="{n}" from="{a}" to="{b}"/>'
        for n, (a, b) in enumerate(pairs[(7 * n) % len(pairs)] for n in range(SPAN - 60))
    ]
    (folder / "grid.rou.xml").write_text("<routes>" + "".join(trips) + "</routes>")
    return found, folder / "grid.rou.xml"


def _edges(path):
    return [e.attrib["id"] for e in ET.parse(path).getroot().iter("edge") if not e.attrib.get("function")]


def _is_outer(edge, end):
    """An edge that begins (0) or ends (1) at a dead end: netgenerate names those left, right, top and bottom."""
    return any(edge.startswith(word) if end == 0 else edge.endswith(word) or word in edge[2:] for word in
               ("left", "right", "top", "bottom"))  # fmt: skip


def test_left_turns_have_foes_although_they_wait_inside_the_junction(grid):
    found, _ = grid
    signal = next(iter(found.signals.values()))
    lefts = [i for i, row in enumerate(signal.links) if any(link.turn in "lL" for link in row)]
    assert lefts and all(any(pair[0] == i for pair in signal.foes) for i in lefts)
    assert any(len(link.inside) == 2 for i in lefts for link in signal.links[i])


def test_the_demos_reader_knows_the_foes_of_left_turns_too(grid):
    found, _ = grid
    mine, theirs = net.read(found.path).signals, found.signals
    assert all(mine[name].foes == theirs[name].foes for name in mine)


def test_a_file_that_is_no_network_is_refused_in_words(tmp_path):
    wrong = tmp_path / "wrong.net.xml"
    wrong.write_text("<routes/>")
    with pytest.raises(anynet.BadNet, match="not a network"):
        anynet.read(wrong)
    with pytest.raises(anynet.BadNet):
        anynet.read(tmp_path / "missing.net.xml")


def drive(grid, controller, *, noisy=False):
    """In a process of its own, as a simulator holds one street."""
    found, routes = grid
    code = f"""
import dataclasses, json
from pathlib import Path
from traffic.street import anynet, trial
net = anynet.read(Path({str(found.path)!r}))
scenario = trial.Scenario(net=net, routes=[Path({str(routes)!r})], begin=0, end={SPAN})
print(json.dumps(dataclasses.asdict(trial.run(scenario, {controller!r}, 1, noisy={noisy}))))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_the_planner_beats_the_fixed_plan_and_nothing_is_refused(grid):
    fixed, adaptive = drive(grid, "fixed"), drive(grid, "adaptive")
    assert adaptive["vehicles"] == fixed["vehicles"] > 400
    assert adaptive["delay_s"] < 0.8 * fixed["delay_s"]
    assert adaptive["refused"] == 0 and adaptive["requests"] > 20
    assert adaptive["longest_red_s"] <= 130


def test_bad_detectors_and_late_packets_cost_little_and_break_nothing(grid):
    noisy = drive(grid, "adaptive", noisy=True)
    assert noisy["refused"] == 0 and noisy["delay_s"] < 1.5 * drive(grid, "adaptive")["delay_s"]


@pytest.mark.parametrize("controller", ["greedy", "max_pressure", "actuated"])
def test_what_it_is_compared_with_runs_too(grid, controller):
    assert drive(grid, controller)["finished"] > 300
