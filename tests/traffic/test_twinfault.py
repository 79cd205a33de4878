# SPDX-License-Identifier: Apache-2.0
"""An operator of the demo breaks something: what the command writes, and what the running street makes of it."""

from __future__ import annotations

import json

import pytest
from django.contrib.gis.geos import Point
from django.core.management import call_command
from django.core.management.base import CommandError

from smartcity.api.models import AuditEntry
from smartcity.devices.models import Zone
from smartcity.kernel import clock as clocks
from smartcity.kernel.clock import Anchor, clock
from tests.traffic.helsinki import needs_map, python
from tests.traffic.test_street import TWIN
from traffic.models import Intersection
from traffic.street.faults import ByHand

CENTRE = """
twin = make(); list(twin.step(START, 1.0)); live(twin, 5)
uid = next(u for u in sorted(twin.cabinets) if len(twin.cabinets[u].programme.lanes) > 3)
box = twin.cabinets[uid]; box.ladder.recover_s = 30
by_hand = Path(told['folder']) / 'faults.json'
from traffic.metrics import RUNGS, REASONS
from traffic.codecs import SIGNAL
number, seen, reported = 0, [], set()
def order(point, value):
    global number
    number += 1
    at = twin.street.now * 1000
    list(twin.command(uid, {'id': f'f{number}', 'point': point, 'value': value, 'expires_at': at + 30_000,
         'sequence': at * 1000 + number}, at))
def run(seconds):
    for _ in range(seconds):
        if twin.street.now % 5 == 0:
            order('lease', 'auto')
            if box.running and not box.changing_to:
                order('stage_plan', f'{box.running}@{twin.street.now}')
        for up in twin.step((twin.street.now + 1) * 1000, 1.0):
            if up.uid == uid:
                reported.update(o.value for o in SIGNAL.decode(up.payload, START) if o.metric == 'traffic.rung')
        stands = RUNGS[box.rung], REASONS[box.reason]
        if not seen or seen[-1] != stands:
            seen.append(stands)
def strike(what, which, by=0, lasts=60):
    by_hand.write_text(json.dumps([{'what': what, 'uid': which, 'until_s': twin.street.now + lasts, 'by_s': by}]))
run(60); seen[:] = seen[-1:]
STRIKE
run(240); twin.close(); by_hand.unlink()
print(json.dumps([seen, sorted(reported), box.tripped]))
"""


@needs_map
@pytest.mark.needs_sumo
@pytest.mark.parametrize(
    ("strike", "reason"),
    [
        ("strike('detector', box.programme.lanes[sorted(box.programme.lanes)[0]].detector)", "a detector is silent"),
        ("strike('line', uid, lasts=90)", "the centre is silent"),
        ("strike('clock', uid, by=90)", "clocks disagree"),
    ],
)
def test_what_is_broken_by_hand_leads_down_the_ladder_and_back(strike, reason, tmp_path):
    found, reported, tripped = python(TWIN + CENTRE.replace("STRIKE", strike), tmp_path)
    assert [stands for stands, _ in found] == ["adaptive", "actuated", "adaptive"]
    assert found[1][1] == reason
    assert reported == [0, 1] and tripped == ""


@pytest.fixture
def simulation(settings, tmp_path):
    settings.VAR = tmp_path
    before = clock.anchor
    clock.start_simulation(1_700_000_000_000, 1.0)
    clocks.save(clock.anchor, tmp_path / "clock.json")
    zone = Zone.objects.create(code="centre", name="Centre")
    Intersection.objects.create(
        uid="K-1", kind="intersection", name="Main", domain="traffic", zone=zone, geom=Point(24.9, 60.2), simulated=True
    )
    yield tmp_path
    clock.adopt(before)


@pytest.mark.django_db
def test_the_command_breaks_and_mends_and_leaves_its_trace(simulation):
    call_command("twinfault", "clock", "K-1", "--by", "90", "--for", "60")
    now = clock.now_ms() // 1000
    by_hand = ByHand(simulation / "street")
    assert by_hand.struck(now).clocks == {"K-1": 90}
    assert by_hand.struck(now + 61).clocks == {}
    call_command("twinfault", "mend")
    assert json.loads((simulation / "street" / "faults.json").read_text()) == []
    assert [row.action for row in AuditEntry.objects.all()] == ["twin.fault", "twin.fault"]


@pytest.mark.django_db
def test_only_a_simulation_is_broken_and_only_what_is_there(simulation):
    with pytest.raises(CommandError, match="no approach 'A-9'"):
        call_command("twinfault", "detector", "A-9")
    clocks.save(Anchor(0, 0, 1.0, 1.0, simulated=False), simulation / "clock.json")
    with pytest.raises(CommandError, match="Only a SIMULATION"):
        call_command("twinfault", "mend")
    assert not AuditEntry.objects.exists()
