# SPDX-License-Identifier: Apache-2.0
"""Whether a command did what it promised, as the device then measured it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from smartcity import declared
from smartcity.control import moving, releasing
from smartcity.control.instants import instant, ms_of
from smartcity.control.models import Command
from smartcity.control.moving import Step
from smartcity.devices.models import Series
from smartcity.kernel.control import Expectation, Priority, State
from smartcity.telemetry import read

VERIFICATION = "verification"


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


def verify(now_ms: int, *, is_simulation: bool) -> int:
    """Confirm effects that were measured, fail those that were not in time; how many moved.

    Telemetry is read before the city's transaction. What a loop caused and did not work is undone: the device is
    told to return to local. An operator's own command is left to the operator.
    """
    waiting = _waiting(is_simulation)
    if not waiting:
        return 0
    values = _latest(waiting)
    steps: dict[UUID, Step] = {}
    failed: list[Waiting] = []
    for command in waiting:
        value = values.get(_key(command))
        step = judged(command, value, now_ms)
        if step is not None:
            steps[command.id] = step
            failed += [command] if step.to is State.FAILED else []
    if not steps:
        return 0
    with transaction.atomic():
        moved = {row.pk for row in moving.move_each(steps, instant(now_ms))}
        _undo([command for command in failed if command.id in moved], now_ms)
    return len(moved)


def judged(command: Waiting, value: read.Value | None, now_ms: int) -> Step | None:
    """Pure: the step this command takes, or None while there is still time."""
    expect = command.expect
    is_news = value is not None and value.is_usable and value.at_ms >= command.since_ms
    if value is not None and is_news and expect.low <= value.value <= expect.high:
        return Step(State.VERIFIED, f"{_name(expect)} {_number(value.value)}", {"measured": value.value})
    if now_ms < command.deadline_ms:
        return None
    if value is None or not is_news:
        return Step(State.FAILED, shortfall(expect, None))
    return Step(State.FAILED, shortfall(expect, value.value), {"measured": value.value})


def shortfall(expect: Expectation, measured: float | None) -> str:
    """What was measured, None where nothing was in time, beside what was expected."""
    wanted = f"{_number(expect.low)} to {_number(expect.high)} expected"
    return f"{_name(expect)} {'was not measured in time' if measured is None else _number(measured)}, {wanted}"


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
    expected = Expectation(**expect)
    deadline = min(ms_of(applied) + int(expected.within_s * 1000), ms_of(expires))
    return Waiting(pk, asset, device, priority, expected, min(ms_of(sent), ms_of(applied)), deadline)


def _key(waiting: Waiting) -> tuple[str, str]:
    """The asset and metric that show the effect."""
    return waiting.expect.asset or waiting.asset, waiting.expect.metric


def _latest(waiting: Sequence[Waiting]) -> dict[tuple[str, str], read.Value]:
    wanted = [_key(command) for command in waiting]
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


def _name(expect: Expectation) -> str:
    metric = declared.metrics().get(expect.metric)
    title = metric.title if metric else expect.metric
    return f"{title} of {expect.asset}" if expect.asset else title


def _number(value: float) -> str:
    return f"{value:.4g}"
