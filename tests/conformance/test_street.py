# SPDX-License-Identifier: Apache-2.0
"""What stands on the street, and its past."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

import pytest
from django.conf import settings

from tests.conformance.installed import MAP, each_domain, needs_map


@cache
def street(domain):
    """The domain's twin in a process beside this one, which must not load what a simulator loads."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.conformance.street_probe", str(MAP), domain],
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
