# SPDX-License-Identifier: Apache-2.0
"""Something stands in the road, or a queue reaches back beyond its room: told from detectors, with what was expected.

Two signs of the first. Busy roads: occupancy up and flow down before the place, occupancy down beyond it (after the
California algorithms, Payne and Tignor 1978), each compared with what is usual there and with what the signal lets
through. Light traffic: a queue that does not clear in any green although so few come that it must. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import exp

LANE_PER_H = 1800.0  # saturation flow, HBS 2015


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Shares, percent of occupancy, seconds. `off_*` and `raise` differ: that is the hysteresis."""

    smooth_s: float = 90.0
    baseline_s: float = 1800.0
    warm_s: float = 600.0
    full: float = 55.0
    flow_down: float = 0.55
    flow_back: float = 0.8
    beyond_free: float = 0.6
    free_again: float = 40.0
    least_flow: float = 120.0
    on_s: float = 90.0
    off_s: float = 120.0
    spill: float = 0.9
    spill_back: float = 0.7
    spill_on_s: float = 240.0
    unusual: float = 25.0
    light: float = 0.6
    uncleared_s: float = 240.0
    cleared_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One approach now: veh/h, %, vehicles; None where its detector is silent.

    `usual_*` are of this hour of the week, None where too little is known. `served` is the share of the last minutes
    in which it had green (None: not known), `beyond` the occupancies of the approaches its vehicles come to next.
    """

    flow: float | None
    occupancy: float | None
    queue: float | None
    storage: float
    lanes: int = 1
    usual_flow: float | None = None
    usual_occupancy: float | None = None
    served: float | None = None
    beyond: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hold:
    """A condition with its delays: since when it holds or is over (ms), and whether it stands."""

    bad_since: int | None = None
    good_since: int | None = None
    stands: bool = False
    began: int | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """What is remembered of one approach from one look to the next."""

    at: int
    first: int
    occupancy: float
    baseline: float
    cleared: int
    blocked: Hold = Hold()
    spilled: Hold = Hold()


@dataclass(frozen=True, slots=True)
class Found:
    """What stands at one approach: rule, words with the evidence, since when (ms), the value in `unit`."""

    rule: str
    uid: str
    text: str
    since_ms: int
    value: float
    unit: str


BLOCKED, SPILLED = "traffic.incident", "traffic.spillback"


def step(was: Track | None, seen: Seen, now_ms: int, policy: Policy = Policy()) -> Track | None:
    """The next memory of one approach; a silent detector changes nothing."""
    if seen.flow is None or seen.occupancy is None:
        return was
    if was is None:
        return Track(now_ms, now_ms, seen.occupancy, seen.flow, now_ms)
    passed = max(0.0, (now_ms - was.at) / 1000)
    occupancy = was.occupancy + (seen.occupancy - was.occupancy) * (1 - exp(-passed / policy.smooth_s))
    cleared = was.cleared if seen.queue is not None and seen.queue >= 1 and not _is_busy(seen, policy) else now_ms
    now = replace(was, at=now_ms, occupancy=occupancy, cleared=cleared)
    blocked = _hold(was.blocked, *_in_the_way(now, seen, policy), now_ms, policy.on_s, policy.off_s)
    spilled = _hold(was.spilled, *_spilled(now, seen, policy), now_ms, policy.spill_on_s, policy.off_s)
    keeps = blocked.bad_since is not None or blocked.stands
    pace = 0.0 if keeps else 1 - exp(-passed / policy.baseline_s)
    return replace(now, baseline=was.baseline + (seen.flow - was.baseline) * pace, blocked=blocked, spilled=spilled)


def expected(track: Track, seen: Seen) -> float:
    """veh/h that should pass: what is usual, else what was before; never more than the green given lets through."""
    usual = track.baseline if seen.usual_flow is None else seen.usual_flow
    if seen.served is None:
        return usual
    return min(usual, 0.9 * LANE_PER_H * max(1, seen.lanes) * seen.served)


def _is_busy(seen: Seen, policy: Policy) -> bool:
    """Whether a queue may outlast a green: so much comes, so little green is given, or beyond it is full."""
    if seen.served is None or seen.flow is None or max(seen.beyond.values(), default=0.0) >= policy.full:
        return True
    return seen.flow > policy.light * LANE_PER_H * max(1, seen.lanes) * seen.served


def _in_the_way(track: Track, seen: Seen, policy: Policy) -> tuple[bool, bool]:
    """(is bad, is good): either sign; over when neither is left."""
    uncleared = (track.at - track.cleared) / 1000
    is_bad, is_good = _blocked(track, seen, policy)
    return is_bad or uncleared >= policy.uncleared_s - policy.on_s, is_good and uncleared <= policy.cleared_s


def _blocked(track: Track, seen: Seen, policy: Policy) -> tuple[bool, bool]:
    """(is bad, is good): full before, little passes, and free beyond where that is seen."""
    assert seen.flow is not None
    awaited = expected(track, seen)
    beyond = max(seen.beyond.values(), default=0.0)
    usual = seen.usual_occupancy or 0.0
    is_known = track.at - track.first >= policy.warm_s * 1000 or seen.usual_flow is not None
    is_bad = (
        is_known
        and awaited >= policy.least_flow
        and track.occupancy >= max(policy.full, usual + policy.unusual if usual else 0.0)
        and seen.flow <= policy.flow_down * awaited
        and beyond <= policy.beyond_free * track.occupancy
    )
    is_good = seen.flow >= policy.flow_back * awaited or track.occupancy <= policy.free_again
    return is_bad, is_good


def _spilled(track: Track, seen: Seen, policy: Policy) -> tuple[bool, bool]:
    if seen.queue is None or seen.storage <= 0:
        return False, False
    usual = seen.usual_occupancy
    share = seen.queue / seen.storage
    is_unusual = usual is None or track.occupancy >= usual + policy.unusual
    is_bad = share >= policy.spill and track.occupancy >= 100 * policy.spill_back and is_unusual
    return is_bad, track.occupancy <= 100 * policy.spill_back and share < policy.spill


def _hold(was: Hold, is_bad: bool, is_good: bool, now_ms: int, on_s: float, off_s: float) -> Hold:
    """Delays count while the test holds without a break; between the two tests nothing counts."""
    bad = (was.bad_since if was.bad_since is not None else now_ms) if is_bad else None
    good = (was.good_since if was.good_since is not None else now_ms) if is_good and not is_bad else None
    if was.stands:
        is_over = good is not None and now_ms - good >= off_s * 1000
        return Hold(bad, good) if is_over else Hold(bad, good, True, was.began)
    begins = bad is not None and now_ms - bad >= on_s * 1000
    return Hold(bad, good, begins, bad if begins else None)


def found(uid: str, track: Track, seen: Seen, policy: Policy = Policy()) -> list[Found]:
    """What stands there now, with the evidence in words."""
    told = []
    if track.blocked.stands:
        since = track.blocked.began or track.at
        told.append(Found(BLOCKED, uid, _evidence(track, seen, policy), since, seen.flow or 0.0, "veh/h"))
    if track.spilled.stands:
        text = f"{seen.queue or 0:.0f} vehicles stand where {seen.storage:.0f} have room"
        if seen.usual_occupancy is not None:
            text += f"; it is {track.occupancy:.0f} % full, usually {seen.usual_occupancy:.0f} %"
        since = track.spilled.began or track.at
        told.append(Found(SPILLED, uid, text + _beyond(seen), since, seen.queue or 0.0, "veh"))
    return told


def _evidence(track: Track, seen: Seen, policy: Policy) -> str:
    passes = "it is not known how many" if seen.flow is None else f"{seen.flow:.0f} veh/h"
    minutes = (track.at - track.cleared) / 60_000
    is_full = seen.flow is not None and _blocked(track, seen, policy)[0]
    if minutes >= 2 and not is_full:
        few = f"though only {passes} pass" if seen.flow is not None else "and its detector is silent"
        who = "1 vehicle stands" if round(seen.queue or 0) == 1 else f"{seen.queue or 0:.0f} vehicles stand"
        return f"{who}, {few}: no green has cleared the queue for {minutes:.0f} min"
    text = f"{passes} pass where {expected(track, seen):.0f} are expected; it is {track.occupancy:.0f} % full"
    return text + _beyond(seen)


def _beyond(seen: Seen) -> str:
    named = ", ".join(f"{uid} {full:.0f} %" for uid, full in sorted(seen.beyond.items())[:3])
    return f"; beyond it {named}" if named else "; what lies beyond is not seen"


def resumed(rules: frozenset[str], now_ms: int) -> Track:
    """After a restart: what stood goes on standing until it is seen to be over."""
    holds = {name: Hold(None, None, True, now_ms) for name in rules}
    return Track(now_ms, now_ms, 50.0, 0.0, now_ms, holds.get(BLOCKED, Hold()), holds.get(SPILLED, Hold()))
