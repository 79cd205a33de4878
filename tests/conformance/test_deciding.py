# SPDX-License-Identifier: Apache-2.0
"""What decides, what it is worth, what raises an alarm and what is foreseen."""

from __future__ import annotations

import pytest

from smartcity import declared, domains
from smartcity.kernel.control import Mode
from smartcity.kernel.worth import Headline
from tests.conformance.installed import ALL_KINDS, LABELS, MAP, NOW, drafts, each_domain, named, skip_without


@pytest.mark.parametrize("loop", named(declared.loops().values()))
def test_every_loop_names_its_modes_in_the_words_of_its_trade(loop):
    assert loop.domain in LABELS and loop.every_s > 0 and loop.title and loop.local_means
    assert 0 < loop.most_per_min <= 60
    assert set(loop.words) == set(Mode) and len(set(loop.words.values())) == 3
    assert not [word for word in loop.words.values() if word.lower() in {"off", "on"}]
    assert set(loop.watches) <= set(declared.metrics())
    assert set(loop.extra.get("kinds", ())) <= set(ALL_KINDS)


@pytest.mark.django_db(databases=["default", "telemetry"])
@pytest.mark.parametrize("loop", named(declared.loops().values()))
def test_a_loop_of_an_empty_city_wants_nothing_and_asks_little(loop, django_assert_max_num_queries):
    with django_assert_max_num_queries(20):
        picture = loop.gather(NOW)
    assert list(loop.decide(picture, loop.policy)) == []


@each_domain
def test_a_domain_with_a_loop_says_what_it_is_worth(domain):
    if not any(loop.domain == domain for loop in declared.loops().values()):
        skip_without(domain, "loop")
    kpis = domains.room(domain, "kpis")
    assert kpis and kpis.KPIS
    assert all(kpi.title and kpi.unit and kpi.baseline for kpi in kpis.KPIS)


@pytest.mark.django_db(databases=["default", "telemetry"])
@each_domain
def test_the_worth_and_the_headline_of_an_empty_city_are_no_error(domain):
    loop = domains.room(domain, "loop")
    if loop is None:
        skip_without(domain, "loop")
    if hasattr(loop, "worth"):
        assert isinstance(loop.worth(NOW - 86_400_000, NOW), list)
    if hasattr(loop, "headline"):
        assert isinstance(loop.headline(NOW), Headline)


@pytest.mark.parametrize("rule", named(declared.alarm_rules()))
def test_every_alarm_says_what_to_do_and_does_not_flutter(rule):
    metric = declared.metrics()[rule.metric]
    assert set(rule.kinds) <= set(ALL_KINDS)
    assert all((rule.text, rule.cause, rule.consequence, rule.response)) and rule.respond_within_s > 0
    assert rule.on_delay_s >= 0 and rule.off_delay_s >= 0
    rule.text.format(name="X-1", value=1.0, unit=metric.unit)
    assert not [v for v in in_range(metric) if rule.is_bad(v, {}) and rule.is_good(v, {})]


@pytest.mark.parametrize("rule", named(declared.alarm_rules()))
def test_every_alarm_can_rise_and_end_on_values_its_metric_may_have(rule):
    values = in_range(declared.metrics()[rule.metric])
    data: list[dict[str, object]] = [{}, *engineering(rule.kinds)]
    assert any(rule.is_bad(value, one) for one in data for value in values), "it can never rise"
    assert any(rule.is_good(value, one) for one in data for value in values), "it can never end"


def in_range(metric):
    """Evenly over the range, and closer towards its low end, where most thresholds of wide metrics lie."""
    span = metric.high - metric.low
    values = [metric.low + span * part for i in range(201) for part in (i / 200, 10 ** (-i / 50))]
    return values + [float(code) for code in range(len(metric.states))]


def engineering(kinds):
    """What the demo map gives assets of these kinds: some rules judge by it."""
    if not MAP.exists():
        pytest.skip("script/bootstrap --demo fetches the demo map")
    domains_of = {ALL_KINDS[kind] for kind in kinds}
    found = [d for domain in domains_of if domain in declared.drafters() for d in drafts(domain, True)]
    return [dict(draft.engineering) for draft in found if draft.kind in kinds and draft.engineering][:20]


@pytest.mark.parametrize("target", declared.targets(), ids=lambda target: target.metric)
def test_every_forecast_is_of_a_metric_there_is_and_within_its_bounds(target):
    assert target.metric in declared.metrics()
    assert target.step_s > 0 and target.horizon_steps > 0 and target.low < target.high
    assert list(target.levels) == sorted(target.levels) and 0.5 in target.levels
    assert set(target.kinds) <= set(ALL_KINDS)
