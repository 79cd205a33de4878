# SPDX-License-Identifier: Apache-2.0
"""The domains that come along close the whole loop, so that nothing in this folder passes them over."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from smartcity import declared, domains
from tests.conformance.installed import LABELS, SHIPPED


@pytest.mark.parametrize("room", ["loop", "osm", "twin", "history"])
@pytest.mark.parametrize("domain", SHIPPED)
def test_a_domain_that_comes_along_has_the_room(domain, room):
    """Found and not imported: what a twin loads must not come where SpatiaLite is."""
    assert domain in LABELS and find_spec(f"{domain}.{room}")


@pytest.mark.parametrize("domain", SHIPPED)
def test_a_domain_that_comes_along_decides_drafts_and_says_what_it_is_worth(domain):
    assert domain in declared.drafters() and domain in {loop.domain for loop in declared.loops().values()}
    loop = domains.room(domain, "loop")
    assert loop and callable(loop.worth) and callable(loop.headline)
