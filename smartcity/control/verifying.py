# SPDX-License-Identifier: Apache-2.0
"""Whether a command did what it promised, as the device then measured it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from smartcity.control import moving, releasing
from smartcity.control.instants import instant, ms_of
from smartcity.control.models import Command
from smartcity.control.moving import Step
from smartcity.control.promises import name, number, promised, shortfall
from smartcity.devices.models import Series
from smartcity.kernel.control import Bound, Expectation, Priority, State
from smartcity.telemetry import read

VERIFICATION = "verification"
Values = Mapping[tuple[str, str], read.Value]
"""The latest values by asset and metric."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A command the device has carried out and that promised an effect."""

    id: UUID
    asset: str
    device: int
    priority: int
    expect: Expectation
    since_ms: int
    deadline_ms: int


def verify(now_ms: int, *, is_simulation: bool, road_ms: int = 0) -> int:
    """Confirm effects that were measured, fail those that were not in time; how many moved.

    A reading needs `road_ms` from the device to the store, so that long the verdict waits for the last ones in time.
    Telemetry is read before the city's transaction. What a loop caused and did not work is undone: the device is
    told to return to local. An operator's own command is left to the operator.
    """
    waiting = _waiting(is_simulation)
    if not waiting:
        return 0
    values = _latest(waiting)
    steps = {command.id: step for command in waiting if (step := judged(command, values, now_ms - road_ms))}
    failed = [command for command in waiting if command.id in steps and steps[command.id].to is State.FAILED]
    if not steps:
        return 0
    with transaction.atomic():
        moved = {row.pk for row in moving.move_each(steps, instant(now_ms))}
        _undo([command for command in failed if command.id in moved], now_ms)
    return len(moved)


def judged(command: Waiting, values: Values, now_ms: int) -> Step | None:
    """Pure: the step this command takes, or None while there is still time.

    Whether the device was at its limit is asked at the end only: until then the effect may still come.
    """
    expect = command.expect
    measured = _since(command, expect, values)
    if measured is not None and expect.low <= measured <= expect.high:
        return Step(State.VERIFIED, f"{name(expect)} {number(measured)}", {"measured": measured})
    if now_ms < command.deadline_ms:
        return None
    short = shortfall(expect, measured)
    if measured is None:
        return Step(State.FAILED, short)
    limit = _limit(command, values)
    to = State.VERIFIED if limit else State.FAILED
    return Step(to, f"at its limit, {limit}: {short}" if limit else short, {"measured": measured})


def _limit(command: Waiting, values: Values) -> str:
    """What shows that the device gives all it can; empty where nothing does."""
    for bound in command.expect.unless:
        value = _since(command, bound, values)
        if value is not None and bound.low <= value <= bound.high:
            return f"{name(bound)} {number(value)}"
    return ""


def _since(command: Waiting, bound: Expectation | Bound, values: Values) -> float | None:
    """What was measured after the command went out, and can be believed."""
    value = values.get((bound.asset or command.asset, bound.metric))
    return value.value if value is not None and value.is_usable and value.at_ms >= command.since_ms else None


def _waiting(is_simulation: bool) -> list[Waiting]:
    rows = Command.objects.filter(
        state=State.APPLIED, ended_at__isnull=True, expect__isnull=False, simulated=is_simulation, device__isnull=False
    )
    columns = ("pk", "asset__uid", "device", "priority", "expect", "sent_at", "applied_at", "expires_at")
    return [_one(*row) for row in rows.values_list(*columns)]


def _one(
    pk: UUID,
    asset: str | None,
    device: int | None,
    priority: int,
    expect: dict[str, Any],
    sent: datetime | None,
    applied: datetime | None,
    expires: datetime,
) -> Waiting:
    """Once the command has expired the device is local again, so there is nothing left to measure."""
    assert asset is not None and device is not None and sent is not None and applied is not None
    expected = promised(expect)
    deadline = min(ms_of(applied) + int(expected.within_s * 1000), ms_of(expires))
    return Waiting(pk, asset, device, priority, expected, min(ms_of(sent), ms_of(applied)), deadline)


def _latest(waiting: Sequence[Waiting]) -> Values:
    shown: list[tuple[Waiting, Expectation | Bound]] = [(command, command.expect) for command in waiting]
    shown += [(command, bound) for command in waiting for bound in command.expect.unless]
    wanted = {(bound.asset or command.asset, bound.metric) for command, bound in shown}
    assets, metrics = {asset for asset, _ in wanted}, {metric for _, metric in wanted}
    series = Series.objects.filter(device__asset__uid__in=assets, device__retired_at=None, metric__in=metrics)
    keys = {pk: (asset, metric) for pk, asset, metric in series.values_list("pk", "device__asset__uid", "metric")}
    return {keys[pk]: value for pk, value in read.latest(keys).items()}


def _undo(failed: Sequence[Waiting], now_ms: int) -> None:
    assets = {command.asset for command in failed if command.priority > Priority.OVERRIDE}
    assets -= releasing.overridden(assets, now_ms)
    if assets:
        releasing.to_local(
            assets,
            now_ms=now_ms,
            reason="the expected effect was not measured: back to the local programme",
            issuer=VERIFICATION,
            priority=Priority.OPTIMISER,
        )
