# SPDX-License-Identifier: Apache-2.0
"""The domains that are installed here; what every one of them promises is tried in this folder, unasked."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest
from django.conf import settings

from smartcity import declared, domains
from smartcity.devices import api, osm_read

MAP = Path(settings.ROOT) / "var" / "Helsinki.osm.pbf"
NOW = 1_795_600_800_000
SHIPPED = ("traffic", "waste", "lighting", "energy")
LABELS = [config.label for config in domains.installed()]
needs_map = pytest.mark.skipif(not MAP.exists(), reason="script/bootstrap --demo fetches the demo map")
each_domain = pytest.mark.parametrize("domain", LABELS)


def named(items):
    return [pytest.param(item, id=getattr(item, "name", str(item))) for item in items]


@cache
def town():
    return osm_read.read(MAP)


@cache
def drafts(domain, demo):
    """What a domain makes of the demo map."""
    return declared.drafters()[domain](town(), demo)


def skip_without(domain: str, what: str) -> NoReturn:
    """A domain of somebody else may do without it; those that come along may not."""
    assert domain not in SHIPPED, f"{domain} has lost its {what}"
    pytest.skip(f"it has no {what}")


def kinds_of(domain):
    """Kind → model, as the importer names them: StreetLight is street_light."""
    return {re.sub(r"(?<!^)(?=[A-Z])", "_", model.__name__).lower(): model for model in api.kinds(domain)}


ALL_KINDS = {kind: domain for domain in LABELS for kind in kinds_of(domain)}
