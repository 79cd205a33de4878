# SPDX-License-Identifier: Apache-2.0
"""What the installed domains declare, checked once at start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from smartcity import domains
from smartcity.kernel import senml
from smartcity.kernel.alarms import AlarmRule, Watched
from smartcity.kernel.codecs import Codec
from smartcity.kernel.control import Interlock, Loop, Point
from smartcity.kernel.engineering import Trade
from smartcity.kernel.forecasts import Target
from smartcity.kernel.imports import AssetDraft, Town
from smartcity.kernel.metrics import Metric, faults
from smartcity.kernel.worth import Kpi


class Undeclared(Exception):
    """A domain declares something the platform cannot accept; the message says what and why."""


@cache
def metrics() -> Mapping[str, Metric]:
    """Every metric by name. Raises Undeclared for a faulty or doubled declaration."""
    found: dict[str, Metric] = {}
    for config, declared in domains.collect("metrics", "METRICS"):
        for metric in declared:
            problems = faults(metric)
            if metric.domain != config.label:
                problems.append(f"belongs in the domain {metric.domain}")
            if metric.name in found:
                problems.append("is declared twice")
            if problems:
                raise Undeclared(f"metric {metric.name!r} of {config.label}: {'; '.join(problems)}")
            found[metric.name] = metric
    return found


@cache
def codecs() -> Mapping[str, Codec]:
    """Every codec by name, the house codec first."""
    found: dict[str, Codec] = {senml.CODEC.name: senml.CODEC}
    for _, declared in domains.collect("codecs", "CODECS"):
        found.update({codec.name: codec for codec in declared})
    return found


@cache
def interlocks() -> tuple[Interlock, ...]:
    return tuple(rule for _, declared in domains.collect("interlocks", "INTERLOCKS") for rule in declared)


@cache
def points() -> tuple[Point, ...]:
    """What may be overridden (room `controller`, attribute POINTS)."""
    return tuple(point for _, declared in domains.collect("controller", "POINTS") for point in declared)


@cache
def alarm_rules() -> tuple[AlarmRule, ...]:
    """Room `alarms`, attribute ALARMS."""
    return tuple(rule for _, declared in domains.collect("alarms", "ALARMS") for rule in declared)


@cache
def watched() -> tuple[Watched, ...]:
    """Alarms a domain judges itself from many readings (room `watching`, attribute WATCHED)."""
    return tuple(one for _, declared in domains.collect("watching", "WATCHED") for one in declared)


@cache
def targets() -> tuple[Target, ...]:
    return tuple(target for _, declared in domains.collect("forecast", "TARGETS") for target in declared)


@cache
def loops() -> Mapping[str, Loop]:
    return {loop.name: loop for _, declared in domains.collect("loop", "LOOPS") for loop in declared}


@cache
def kpis() -> tuple[Kpi, ...]:
    return tuple(kpi for _, declared in domains.collect("kpis", "KPIS") for kpi in declared)


@cache
def trades() -> Mapping[str, Trade]:
    """By kind of asset, who judges its engineering data (room `engineering`, attribute TRADES)."""
    return {kind: trade for _, found in domains.collect("engineering", "TRADES") for kind, trade in found.items()}


def drafters() -> Mapping[str, Callable[[Town, bool], list[AssetDraft]]]:
    """Domain label → `osm.draft(town, demo)`."""
    return {config.label: draft for config, draft in domains.collect("osm", "draft")}


def forget() -> None:
    """Drop what was collected; for tests that install another domain."""
    for found in (metrics, codecs, interlocks, points, alarm_rules, watched, targets, loops, kpis, trades):
        found.cache_clear()
