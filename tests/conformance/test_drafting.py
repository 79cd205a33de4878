# SPDX-License-Identifier: Apache-2.0
"""What the map becomes."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from smartcity import declared
from smartcity.api.access import EVERYWHERE
from smartcity.devices import api, plan
from smartcity.devices.asset_writer import Run, Writer
from smartcity.devices.models import Asset, Zone
from tests.conformance.installed import drafts, each_domain, kinds_of, needs_map, skip_without, town


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
        assert [draft.external_id for draft in found if draft.engineering] == []  # no map knows what is signed


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
        skip_without(domain, "drafts of a map")
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
