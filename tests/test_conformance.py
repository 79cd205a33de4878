# SPDX-License-Identifier: Apache-2.0
"""What every domain promises, tried on whichever are installed; a new one is tried unasked."""

from __future__ import annotations

import json
import math
import random
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.template.loader import select_template
from django.utils import timezone

from smartcity import declared, domains
from smartcity.api.access import EVERYWHERE
from smartcity.devices import api, osm_read, plan
from smartcity.devices.asset_writer import Run, Writer
from smartcity.devices.models import Asset, Zone
from smartcity.kernel import senml
from smartcity.kernel.codecs import BadPayload, Instruction
from smartcity.kernel.control import Mode, Setpoint, Situation
from smartcity.kernel.metrics import DataClass, faults
from smartcity.kernel.worth import Headline

MAP = Path(settings.ROOT) / "var" / "Helsinki.osm.pbf"
NOW = 1_795_600_800_000
LABELS = [config.label for config in domains.installed()]
needs_map = pytest.mark.skipif(not MAP.exists(), reason="script/bootstrap --demo fetches the demo map")
each_domain = pytest.mark.parametrize("domain", LABELS)


def named(items):
    return [pytest.param(item, id=getattr(item, "name", str(item))) for item in items]


def kinds_of(domain):
    """Kind → model, as the importer names them: StreetLight is street_light."""
    return {re.sub(r"(?<!^)(?=[A-Z])", "_", model.__name__).lower(): model for model in api.kinds(domain)}


ALL_KINDS = {kind: domain for domain in LABELS for kind in kinds_of(domain)}


# what is measured


@pytest.mark.parametrize("metric", named(declared.metrics().values()))
def test_every_metric_says_what_it_is_why_it_is_measured_and_how_long_it_is_kept(metric):
    assert faults(metric) == []
    assert isinstance(metric.data_class, DataClass)
    assert metric.purpose.endswith(".") and metric.keep_raw_days <= metric.keep_rollup_days
    assert metric.unit not in {"", "none", "-"}


def test_personal_data_are_neither_shared_nor_kept_raw_beyond_a_month():
    personal = [m for m in declared.metrics().values() if m.data_class is DataClass.PERSONAL]
    assert [m.name for m in personal if m.shared or m.keep_raw_days > 31] == []


@each_domain
def test_every_domain_measures_something_and_has_assets(domain):
    assert any(metric.domain == domain for metric in declared.metrics().values())
    assert kinds_of(domain)


@pytest.mark.parametrize("codec", named(declared.codecs().values()))
def test_a_codec_reads_its_own_sample_and_writes_an_instruction(codec):
    found = codec.decode(codec.sample.payload, codec.sample.received_at_ms)
    assert tuple(found) == tuple(codec.sample.observations) and found
    assert {item.metric for item in found} <= set(declared.metrics()) or codec is senml.CODEC
    assert isinstance(codec.encode(Instruction("7", "lease", "local", NOW, 1)), bytes) and codec.version


@pytest.mark.parametrize("codec", named(declared.codecs().values()))
def test_a_codec_answers_garbage_with_nothing_but_bad_payload(codec):
    dice = random.Random(7)
    sample = codec.sample.payload
    broken = [b"", b"\x00", b"[]", b"{}", b"null", b"\xff" * 9, b"[" * 5000, sample[: len(sample) // 2], sample * 2]
    for _ in range(300):
        spoiled = bytearray(sample)
        for _ in range(dice.randint(1, 4)):
            spoiled[dice.randrange(len(spoiled))] = dice.randrange(256)
        broken.append(bytes(spoiled))
    for payload in broken:
        try:
            for item in codec.decode(payload, NOW):
                assert isinstance(item.metric, str) and isinstance(item.value, float)
        except BadPayload as error:
            assert str(error)


# what may be commanded


@pytest.mark.parametrize("point", named(declared.points()))
def test_every_point_belongs_to_a_kind_has_bounds_and_a_longest_time(point):
    assert point.kind in ALL_KINDS
    is_number = point.low is not None or point.high is not None
    if is_number:
        assert point.unit and not point.choices and point.low < point.high
    assert 0 < point.longest_s <= 48 * 3600 and point.title
    value = point.high if is_number else (*point.choices, "a text its limit check reads")[0]
    expected = point.expect(value, {}) if point.expect else None
    assert expected is None or (expected.metric in declared.metrics() and expected.low <= expected.high)


def rules_of(point):
    return [rule for rule in declared.interlocks() if point.kind in rule.kinds and point.name in rule.points]


def wish(point, value):
    return Setpoint(asset="X-1", point=point.name, value=value, reason="a test", expires_in_s=60)


def nothing_known(point):
    return Situation("X-1", point.kind, {}, {}, {}, {}, NOW)


NONSENSE = ["", "everything", math.nan, math.inf, -math.inf, -1e12, 1e12]


@pytest.mark.parametrize("value", NONSENSE, ids=str)
@pytest.mark.parametrize("point", named(declared.points()))
def test_every_point_has_a_limit_check_that_refuses_what_it_does_not_understand(point, value):
    answers = [rule.check(wish(point, value), nothing_known(point)) for rule in rules_of(point)]
    assert any(answers) and all(answer is None or answer for answer in answers)


@pytest.mark.parametrize("rule", named(declared.interlocks()))
def test_every_limit_check_names_its_source_and_guards_a_point_there_is(rule):
    assert rule.source and rule.kinds and rule.points
    known = {(point.kind, point.name) for point in declared.points()}
    assert any((kind, name) in known for kind in rule.kinds for name in rule.points)


# what decides


@pytest.mark.parametrize("loop", named(declared.loops().values()))
def test_every_loop_names_its_modes_in_the_words_of_its_trade(loop):
    assert loop.domain in LABELS and loop.every_s > 0 and loop.title and loop.local_means
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
        pytest.skip("it has no loop")
    kpis = domains.room(domain, "kpis")
    assert kpis and kpis.KPIS
    assert all(kpi.title and kpi.unit and kpi.baseline for kpi in kpis.KPIS)


@pytest.mark.django_db(databases=["default", "telemetry"])
@each_domain
def test_the_worth_and_the_headline_of_an_empty_city_are_no_error(domain):
    loop = domains.room(domain, "loop")
    if loop is None:
        pytest.skip("it has no loop")
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
    values = [metric.low + (metric.high - metric.low) * i / 200 for i in range(201)]
    values += [float(code) for code in range(len(metric.states))]
    assert not [v for v in values if rule.is_bad(v, {}) and rule.is_good(v, {})]


@pytest.mark.parametrize("target", declared.targets(), ids=lambda target: target.metric)
def test_every_forecast_is_of_a_metric_there_is_and_within_its_bounds(target):
    assert target.metric in declared.metrics()
    assert target.step_s > 0 and target.horizon_steps > 0 and target.low < target.high
    assert list(target.levels) == sorted(target.levels) and 0.5 in target.levels
    assert set(target.kinds) <= set(ALL_KINDS)


# what the map becomes


@cache
def town():
    return osm_read.read(MAP)


@cache
def drafts(domain, demo):
    return declared.drafters()[domain](town(), demo)


@needs_map
@pytest.mark.parametrize("demo", [True, False], ids=["demo", "city"])
@pytest.mark.parametrize("domain", sorted(declared.drafters()))
def test_drafts_can_be_assets_and_are_the_same_next_time(domain, demo):
    found = drafts(domain, demo)
    assert plan.checked(domain, found) is not None
    assert found == declared.drafters()[domain](town(), demo)
    assert {draft.kind for draft in found} <= set(kinds_of(domain))
    if not demo:
        assert [draft.external_id for draft in found if draft.estimated] == []


@needs_map
@pytest.mark.parametrize("domain", sorted(declared.drafters()))
def test_the_demo_has_devices_and_every_commandable_kind_is_signed(domain):
    found = drafts(domain, True)
    assert any(draft.device for draft in found)
    points = {point.kind for point in declared.points()}
    assert [d.external_id for d in found if d.kind in points and d.device and not d.engineering] == []


@needs_map
@pytest.mark.django_db
@each_domain
def test_drafted_assets_are_written_and_drawn(domain):
    if domain not in declared.drafters():
        pytest.skip("it drafts nothing from a map")
    zone = Zone.objects.create(code="centre", name="Centre")
    writer = Writer(Run("osm", 1, timezone.now(), True, lambda point: zone.pk))
    few = few_of(domain)
    writer.write(domain, few)
    found = api.features(domain, EVERYWHERE)
    assert len(found) == len(few) == Asset.objects.filter(domain=domain).count()
    json.dumps(found, default=str)


def few_of(domain):
    """Two of each kind with all that stand above them."""
    planned = {item.draft.external_id: item for item in plan.checked(domain, drafts(domain, True))}
    chosen: dict[str, plan.Planned] = {}
    for kind in kinds_of(domain):
        for item in [item for item in planned.values() if item.draft.kind == kind][:2]:
            ref = item.draft.external_id
            while ref and ref not in chosen:
                chosen[ref] = planned[ref]
                ref = planned[ref].draft.parent
    return sorted(chosen.values(), key=lambda item: item.depth)


# what stands on the street


@cache
def street(domain):
    """The domain's twin in a process beside this one, which must not load what a simulator loads."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.street_probe", str(MAP), domain],
        cwd=settings.ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1]).get(domain, {"missing": "its room twin"})


@needs_map
@each_domain
def test_the_twin_speaks_and_answers_as_a_device_must(domain):
    if "missing" in street(domain):
        pytest.skip(f"{street(domain)['missing']} is not there")
    assert street(domain)["twin"] == [] and street(domain)["said"] > 0


@needs_map
@each_domain
def test_the_past_has_the_shape_and_range_of_the_present(domain):
    if "missing" in street(domain):
        pytest.skip(f"{street(domain)['missing']} is not there")
    assert street(domain)["history"] == []


# what people see


@pytest.mark.django_db(databases=["default", "telemetry", "tasks"])
@each_domain
def test_a_domain_names_itself_and_its_models_need_no_migration(domain):
    config = next(config for config in domains.installed() if config.label == domain)
    assert config.title and config.icon and config.shape
    assert config.name == domain
    call_command("makemigrations", domain, check=True, dry_run=True, skip_checks=True, verbosity=0)


@each_domain
def test_a_domain_has_a_page(domain):
    assert select_template([f"{domain}/page.html", "web/domain.html"])


LOOK = """
const layer = await import(process.argv[1]);
const values = new Map();
const out = { kinds: Object.keys(layer.kinds), faults: [] };
for (const [kind, look] of Object.entries(layer.kinds)) {
  const asset = { uid: "X-1", kind, name: "x", domain: "", series: {}, estimated: true, simulated: true };
  if (!look.shape || !look.title || !look.plural) out.faults.push(`${kind}: shape, title and plural are required`);
  for (const [name, call] of Object.entries({
    style: () => layer.style(asset, values), state: () => layer.state?.(asset, values, []),
    rows: () => layer.rows?.(asset, values, []), columns: () => layer.columns?.(kind),
    headline: () => layer.headline?.([]),
  })) {
    try { call(); } catch (error) { out.faults.push(`${kind}: ${name} throws ${error}`); }
  }
}
console.log(JSON.stringify(out));
"""


@each_domain
def test_the_map_layer_knows_every_kind_and_survives_an_asset_without_values(domain):
    layer = Path(settings.ROOT) / domain / "static" / domain / "layer.js"
    assert layer.exists()
    node = shutil.which("node") or str(Path(sys.executable).with_name("node"))
    if not Path(node).exists():
        pytest.skip("node is not installed")
    run = [node, "--input-type=module", "--eval", LOOK, layer.as_uri()]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["faults"] == [] and set(kinds_of(domain)) <= set(found["kinds"])


@each_domain
def test_every_rest_route_says_which_action_it_needs(domain):
    room = domains.room(domain, "api")
    for route in getattr(room, "ROUTES", ()):
        assert getattr(route.callback, "view_class", route.callback).needs
