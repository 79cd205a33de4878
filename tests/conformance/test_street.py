# SPDX-License-Identifier: Apache-2.0
"""What stands on the street, and its past."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

import pytest
from django.conf import settings

from tests.conformance.installed import LABELS, MAP, SHIPPED, each_domain, needs_map, skip_without


@cache
def probed(*domains):
    """The twins of domains in a process beside this one, which must not load what a simulator loads."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.conformance.street_probe", str(MAP), *domains],
        cwd=settings.ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def street(domain):
    """What was found there. A library of the demo's may be missing, a room of ours may not."""
    found = probed(*(SHIPPED if domain in SHIPPED else [domain])).get(domain)
    if found is None:
        skip_without(domain, "room twin")
    if "missing" in found:
        assert found["missing"].partition(".")[0] not in {*LABELS, "smartcity"}
        pytest.skip(f"{found['missing']} is not installed")
    return found


@needs_map
@each_domain
def test_the_twin_speaks_and_answers_as_a_device_must(domain):
    assert street(domain)["twin"] == [] and street(domain)["said"] > 0


@needs_map
@each_domain
def test_the_past_has_the_shape_and_range_of_the_present(domain):
    assert street(domain)["history"] == []
