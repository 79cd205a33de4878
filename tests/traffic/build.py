# SPDX-License-Identifier: Apache-2.0
"""A crossing of two streets with two stages, and what its devices say."""

from __future__ import annotations

from smartcity.kernel.control import Setpoint, Situation
from traffic.picture import Seen, see
from traffic.street.controller import Cabinet
from traffic.street.stages import Group, Programme, Stage

NOW = 1_700_000_000
STAGES = (
    Stage(1, "Main street", "GGrr", {"A-1": 1.0, "A-2": 1.0}),
    Stage(2, "Side street", "rrGG", {"A-3": 1.0}),
)


def programme(**changes):
    given = {
        "uid": "K-1",
        "signal": "s",
        "stages": STAGES,
        "conflicts": frozenset({(1, 2), (2, 1)}),
        "plan": ((1, 30.0), (2, 12.0)),
        "downstream": {"A-1": ("A-9",)},
        "groups": {
            "A-1": (Group(1, 1.0, {1: 1.0}),),
            "A-2": (Group(1, 1.0, {1: 1.0}),),
            "A-3": (Group(1, 1.0, {2: 1.0}),),
        },
        "storage": {"A-1": 20.0, "A-2": 20.0, "A-3": 20.0},
    }
    return Programme(**given | changes)


def cabinet(now=NOW, **changes):
    made = Cabinet(programme(**changes))
    made.start(now)
    return made


def values(main=0.0, side=0.0, stage=1, green_s=20.0, at=NOW, **more):
    """Readings by (uid, metric): queues on the main and the side street, and the controller's state."""
    signal = {"stage": stage, "green_s": green_s, "status": 0, "longest_red_s": 0, "waiting_stage": 0} | more
    found = {("K-1", f"traffic.{name}"): Seen(float(value), at * 1000) for name, value in signal.items()}
    for uid, queue in (("A-1", main), ("A-2", main), ("A-3", side)):
        found[uid, "traffic.queue"] = Seen(float(queue), at * 1000)
        found[uid, "traffic.occupancy"] = Seen(min(100.0, queue * 5.0), at * 1000)
        found[uid, "traffic.flow"] = Seen(200.0, at * 1000)
    return found


def junction(now=NOW, **more):
    return see("K-1", programme().announced(), {}, values(**more), now * 1000)


SIGNED = {"min_green_s": 5.0, "max_red_s": 120.0}


def situation(now=NOW, age_s=1.0, *, signed=SIGNED, is_signed=True, **signal):
    reported = {"stage": 1, "green_s": 20, "status": 0, "longest_red_s": 0, "waiting_stage": 0} | signal
    metrics = {f"traffic.{name}": float(value) for name, value in reported.items()}
    ages = dict.fromkeys(metrics, age_s)
    said = programme().announced()
    return Situation("K-1", "intersection", signed, said, metrics, ages, now * 1000, is_signed=is_signed)


def wish(value, point="stage_plan"):
    return Setpoint(asset="K-1", point=point, value=value, reason="test", expires_in_s=30)
