# SPDX-License-Identifier: Apache-2.0
"""What the running process says of itself, as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from smartcity import vitals

PREFIX: Final = "smartcity"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
NAMED: Final = {"tasks": "task", "loops": "loop"}
COUNTED: Final = frozenset(
    {
        "failures",
        "rounds",
        "frames_sent",
        "answers",
        "said",
        "heard",
        "missed",
        "not_believed",
        "withheld",
        "joined",
        "sent",
        "received",
    }
)
COUNTING: Final = frozenset({"gateway", "coap", "notices", "doors"})
HISTOGRAMS: Final = frozenset({"offsets_s"})
LEDGERS: Final = {"messages": "Messages by what became of them.", "readings": "Readings by what became of them."}


def text() -> bytes:
    registry = CollectorRegistry()
    registry.register(_Vitals())
    return generate_latest(registry)


class _Vitals(Collector):
    def collect(self) -> Iterator[Metric]:
        yield from families(vitals.gather())


def families(found: Mapping[str, Any]) -> Iterator[Metric]:
    """From what `vitals.gather` gives: the ledgers as counters, numbers and yes or no as gauges; words are left out."""
    for part, told in found.items():
        if not isinstance(told, Mapping):
            continue
        if part in NAMED:
            yield from _by_name(part, NAMED[part], told)
            continue
        for name, value in told.items():
            if part == "pipeline" and name == "counts":
                yield from _ledgers(value)
            elif name in HISTOGRAMS:
                yield _histogram(part, name, value)
            else:
                yield from _one(part, name, value)


def _one(part: str, name: str, value: object) -> Iterator[Metric]:
    """A number, or several told apart by a word: refusals by their reason. One that is not known just now is named."""
    kind = CounterMetricFamily if part in COUNTING or name in COUNTED else GaugeMetricFamily
    title, words = f"{PREFIX}_{part}_{name}", f"{name} of {part.replace('_', ' ')}"
    if isinstance(value, Mapping):
        family = kind(title, words, labels=["of"])
        for of, each in value.items():
            if (number := _number(each)) is not None:
                family.add_metric([str(of)], number)
        yield family
    elif (number := _number(value)) is not None:
        yield kind(title, words, value=number)
    elif value is None:
        yield kind(title, words)


def _histogram(part: str, name: str, within: Mapping[str, int]) -> Metric:
    """`within`: bound → how many are not beyond it; the last bound is +Inf."""
    words = f"{name} of {part.replace('_', ' ')}"
    return HistogramMetricFamily(f"{PREFIX}_{part}_{name}", words, buckets=list(within.items()), sum_value=None)


def _ledgers(counts: Mapping[str, int]) -> Iterator[Metric]:
    for of, words in LEDGERS.items():
        family = CounterMetricFamily(f"{PREFIX}_{of}", words, labels=["outcome"])
        for name, n in sorted(counts.items()):
            if name.startswith(f"{of}."):
                family.add_metric([name.partition(".")[2]], n)
        yield family


def _by_name(part: str, label: str, told: Mapping[str, Any]) -> Iterator[Metric]:
    """One family per quantity, its label the task or loop."""
    names = sorted({name for each in told.values() if isinstance(each, Mapping) for name in each})
    for name in names:
        kind = CounterMetricFamily if name in COUNTED else GaugeMetricFamily
        family = kind(f"{PREFIX}_{label}_{name}", f"{name} of each {label}", labels=[label])
        values = {who: _number(each.get(name)) for who, each in told.items() if isinstance(each, Mapping)}
        for who, number in values.items():
            if number is not None:
                family.add_metric([who], number)
        if family.samples:
            yield family


def _number(value: object) -> float | None:
    """Yes is 1, a list is as many as it holds (imbalances); words are no number."""
    if isinstance(value, list):
        return float(len(value))
    return float(value) if isinstance(value, bool | int | float) else None
