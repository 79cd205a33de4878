# SPDX-License-Identifier: Apache-2.0
"""Drafts of timing sheets, from what a cabinet announces and from SUMO networks; what was assumed is marked so."""

from __future__ import annotations

import pytest

from benchmarks.traffic.networks import DATA
from tests.traffic.build import programme
from tests.traffic.helsinki import needs_map, python
from traffic.engineering import from_net
from traffic.engineering.announced import Arm, NotAnnounced, draft
from traffic.engineering.check import findings
from traffic.engineering.findings import Severity
from traffic.engineering.shape import read, write
from traffic.engineering.sheet import Index, Kind
from traffic.street import net

ARMS = [
    Arm("A-1", "Main from south", 0.0, 50.0, 1, 120.0),
    Arm("A-2", "Main from north", 180.0, 50.0, 1, 120.0),
    Arm("A-3", "Side from west", 90.0, 30.0, 1, 80.0),
]


def drawn(**changes):
    return draft("K-1", "Main / Side", programme(**changes).announced(), ARMS)


def errors(sheet):
    return [finding.sentence for finding in findings(sheet) if finding.severity is Severity.ERROR]


def test_a_cabinet_s_announcement_makes_a_draft_without_errors():
    sheet = drawn()
    assert errors(sheet) == []
    assert {group.id: group.kind for group in sheet.groups if group.id[0] == "V"} == dict.fromkeys(
        ("V1", "V2", "V3"), Kind.VEHICLE
    )
    assert [stage.green[:2] for stage in sheet.stages] == [("V1", "V2"), ("V3", "F1")]
    assert Index(sheet).do_conflict("V1", "V3") and not Index(sheet).do_conflict("V1", "V2")


def test_its_plan_adds_up_with_the_announced_intergreens():
    (plan,) = drawn().plans
    assert (plan.cycle_s, [split.green_s for split in plan.splits]) == (30 + 12 + 2 * 5.0, [30.0, 12.0])


def test_a_plan_too_short_for_people_on_foot_is_found():
    found = errors(drawn(plan=((1, 30.0), (2, 6.0))))
    assert found and all("F1 gets 6 s" in one or "F2 gets 6 s" in one for one in found)


def test_what_the_cabinet_does_not_say_is_marked_estimated():
    assert {f.subject for f in findings(drawn()) if f.severity is Severity.ESTIMATED} == {
        "approaches", "movements", "conflicts", "crossings", "detectors",
    }  # fmt: skip


@pytest.mark.parametrize("said", [{}, {"stages": []}, {"stages": [{"number": 1}]}, {"stages": 5, "approaches": {}}])
def test_an_announcement_that_says_too_little_is_refused_in_words(said):
    with pytest.raises(NotAnnounced, match="announce"):
        draft("K-1", "", said, ARMS)


@pytest.mark.needs_sumo
@needs_map
def test_every_cabinet_of_the_demo_town_makes_a_draft_whose_errors_are_true(tmp_path):
    """The demo's short stages leave some crossings too little for their assumed clearance; nothing else is wrong."""
    found = python(
        "from traffic.street.junctions import lay_out\n"
        "from traffic.engineering.announced import Arm, draft\n"
        "from traffic.engineering.check import findings\n"
        "lay = lay_out(Path(told['map']), Path(told['folder']), devices, 1)\n"
        "arms = {}\n"
        "for d in devices:\n"
        "    if d.kind == 'approach':\n"
        "        arms.setdefault(d.parent, []).append(Arm(d.uid, d.name, d.twin['heading'], 40.0, 1, 100.0))\n"
        "bad = {p.uid: [f.sentence for f in findings(draft(p.uid, '', p.announced(), arms[p.uid]))\n"
        "               if f.severity == 'error'] for p in lay.programmes.values()}\n"
        "print(json.dumps(bad))",
        tmp_path,
    )
    assert len(found) >= 33
    wrong = [one for sentences in found.values() for one in sentences if "walk and clearance" not in one]
    assert wrong == []


def nets():
    found = sorted(DATA.glob("*/*.net.xml"))
    return found or [pytest.param(None, marks=pytest.mark.skip(reason="the RESCO networks are not here"))]


@pytest.mark.parametrize("path", nets(), ids=lambda path: path.parent.name if path else "none")
def test_a_sumo_network_makes_drafts_without_errors(path):
    sheets = from_net.drafts(net.read(path))
    assert sheets and {sheet.intersection: errors(sheet) for sheet in sheets if errors(sheet)} == {}
    for sheet in sheets:
        assert set(sheet.estimated) == set(from_net.ASSUMED) and read(write(sheet)) == sheet
        assert all(movement.leaves is not None for movement in sheet.movements)


@pytest.mark.skipif(not DATA.exists(), reason="the RESCO networks are not here")
def test_lanes_are_traced_upstream_through_nodes_without_a_signal():
    """Stop lanes in Ingolstadt are 1 to 10 m long; what they serve reaches to the signal before."""
    sheets = from_net.drafts(net.read(DATA / "ingolstadt7" / "ingolstadt7.net.xml"))
    assert min(lane.length_m for sheet in sheets for lane in sheet.lanes) > 40


@pytest.mark.skipif(not DATA.exists(), reason="the RESCO networks are not here")
def test_a_grid_of_protected_lefts_has_rings_and_barriers():
    sheets = from_net.drafts(net.read(DATA / "grid4x4" / "grid4x4.net.xml"))
    rings = [sheet.ring_barrier for sheet in sheets if sheet.ring_barrier]
    assert len(rings) == len(sheets) and all(len(view.rings) == 2 for view in rings)
