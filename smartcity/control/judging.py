# SPDX-License-Identifier: Apache-2.0
"""What becomes of one setpoint: refused with a reason, proposed to a person, queued, or not worth a command."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from smartcity import declared
from smartcity.control import arbiter, safety
from smartcity.control.instants import in_words, instant
from smartcity.control.situations import Facts
from smartcity.control.standing import Board
from smartcity.kernel.control import Mode, Setpoint, State

Wishes = Mapping[str, Mapping[str, float | str]]
UNSIGNED = "advice only: the engineering data carry no valid signature"


@dataclass(frozen=True, slots=True)
class Verdict:
    state: State
    note: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every setpoint of one request. `modes` is None for a person, who needs no grant.

    `wishes` are the values asked for together, by asset uid and point.
    """

    issuer: str
    priority: int
    now_ms: int
    is_simulation: bool
    modes: Mapping[int, Mode] | None = None
    wishes: Wishes = field(default_factory=dict)


def wishes(setpoints: Iterable[Setpoint]) -> Wishes:
    found: dict[str, dict[str, float | str]] = {}
    for setpoint in setpoints:
        found.setdefault(setpoint.asset, {})[setpoint.point] = setpoint.value
    return found


def points_of(facts: Iterable[Facts]) -> set[str]:
    """Every point a person may override on assets of these kinds: one may bound what another takes."""
    kinds = {found.asset.kind for found in facts}
    return {point.name for point in declared.points() if point.kind in kinds}


def beside(setpoint: Setpoint, facts: Facts, board: Board, terms: Terms) -> Facts:
    """The facts with what will stand on the asset's other points: the wish, unless somebody stronger holds them."""
    wished = terms.wishes.get(setpoint.asset, {})
    held = dict(wished)
    for point in board.points(facts.asset.pk):
        holder = arbiter.winner(board.claims(facts.asset.pk, point), terms.now_ms)
        if holder is not None and (point not in wished or holder.priority < terms.priority):
            held[point] = holder.value
    held.pop(setpoint.point, None)
    held.pop(safety.LEASE, None)
    return replace(facts, situation=replace(facts.situation, held=held)) if held else facts


def judge(setpoint: Setpoint, facts: Facts, board: Board, terms: Terms) -> Verdict | None:
    """None where no command is due: the loop is local, outranked, or has asked the same already."""
    now = instant(terms.now_ms)
    mode = terms.modes[facts.asset.zone_id] if terms.modes is not None else None
    if mode is Mode.LOCAL:
        return None
    verdict = _verdict(setpoint, facts, board, terms, mode)
    if verdict is None or mode is None:
        return verdict
    earlier = board.on(facts.asset.pk, setpoint.point)
    asked = any(s.makes_needless(verdict.state, setpoint.value, verdict.note, terms.issuer, now) for s in earlier)
    return None if asked else verdict


def _verdict(setpoint: Setpoint, facts: Facts, board: Board, terms: Terms, mode: Mode | None) -> Verdict | None:
    facts = beside(setpoint, facts, board, terms)
    is_advice = mode is Mode.ADVISE or (mode is Mode.AUTO and not facts.signed_by)
    if reason := forbidden(setpoint, facts, board.tags, is_simulation=terms.is_simulation, is_advice=is_advice):
        return Verdict(State.REFUSED, reason)
    if setpoint.point == safety.LEASE:
        return Verdict(State.QUEUED)  # back to local is open to everybody who may command at all
    if holder := arbiter.stronger(board.claims(facts.asset.pk, setpoint.point), terms.priority, terms.now_ms):
        until = in_words(instant(holder.until_ms))
        held = f"{arbiter.word(holder.priority)} by {holder.owner} holds this until {until}"
        return Verdict(State.REFUSED, held) if mode is None else None
    if is_advice:
        return Verdict(State.PROPOSED, "" if facts.signed_by else UNSIGNED)
    return Verdict(State.QUEUED)


def forbidden(
    setpoint: Setpoint, facts: Facts, tags: Mapping[int, str], *, is_simulation: bool, is_advice: bool = False
) -> str:
    """Why nobody may command this now, or nothing: tag, device, LIVE or SIMULATION, every limit check.

    Advice is judged as if the engineering data were signed; whoever approves it meets the checks as they are.
    """
    asset, device = facts.asset, facts.device
    if asset.pk in tags:
        return tags[asset.pk]
    if device is None:
        return "no device speaks for this asset"
    if is_simulation and not device.simulated:
        return "a real device is commanded only in LIVE"
    if not is_simulation and (device.simulated or asset.simulated):
        return "a simulated device is commanded only in SIMULATION"
    if asset.estimated and not is_simulation:
        return "an estimated asset is not commanded before it has been surveyed"
    situation = facts.situation.as_if_signed() if is_advice else facts.situation
    return "; ".join(refusal.reason for refusal in safety.refusals(setpoint, situation, rules()))


@cache
def _indexed(interlocks: tuple[object, ...], points: tuple[object, ...]) -> safety.Rules:
    return safety.Rules.of(interlocks, points)  # type: ignore[arg-type]


def rules() -> safety.Rules:
    """What the installed domains declare, indexed once."""
    return _indexed(declared.interlocks(), declared.points())
