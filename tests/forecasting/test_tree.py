# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity.forecasting import tree
from smartcity.forecasting.tree import CITY, OTHERS, SERIES, Leaf


def leaf(number, *above):
    places = tuple((level, key, key.title()) for level, key in zip(("district", "street"), above, strict=False))
    return Leaf(number, f"sensor {number}", f"A-{number}", above[0] if above else "", places)


def town(*sizes):
    """A district with a street for each size given, and so many sensors on each."""
    found: list[Leaf] = []
    for street, size in enumerate(sizes):
        found += [leaf(len(found) + k, f"d{street % 2}", f"s{street}") for k in range(size)]
    return found


def test_a_series_is_part_of_a_street_a_district_and_the_city():
    grown = tree.grow([leaf(7, "north", "high street"), leaf(8, "north", "high street"), leaf(9, "south", "quay")])
    assert [(n.level, n.key, len(n.members)) for n in grown.nodes] == [
        (CITY, "", 3), ("district", "north", 2), ("district", "south", 1),
        ("street", "north/high street", 2), ("street", "south/quay", 1),
        (SERIES, "north/high street/7", 1), (SERIES, "north/high street/8", 1), (SERIES, "south/quay/9", 1),
    ]  # fmt: skip
    assert [grown.series_of(k) for k in grown.bottoms] == [7, 8, 9] and grown.series_of(1) is None
    assert grown.zones_of(0) == ["north", "south"]


def test_a_street_in_two_districts_is_two_nodes():
    grown = tree.grow([leaf(1, "north", "long"), leaf(2, "south", "long")])
    assert [n.key for n in grown.nodes if n.level == "street"] == ["north/long", "south/long"]


def test_what_has_no_transformer_hangs_from_the_city():
    grown = tree.grow([leaf(1, "north"), leaf(2)])
    assert [(n.key, n.parent) for n in grown.nodes] == [("", -1), ("north", 0), ("north/1", 1), ("2", 0)]
    assert tree.sums(grown).toarray().tolist() == [[1, 1], [1, 0], [1, 0], [0, 1]]


@given(sizes=st.lists(st.integers(1, 8), min_size=1, max_size=9))
def test_every_node_is_the_sum_of_its_children(sizes):
    grown = tree.grow(town(*sizes))
    pasts = np.random.default_rng(1).uniform(0, 9, (len(grown.leaves), 3))
    whole = np.array([pasts[list(node.members)].sum(axis=0) for node in grown.nodes])
    assert np.allclose(tree.sums(grown) @ whole[grown.bottoms], whole)
    for k in range(len(grown.nodes)):
        if children := grown.children(k):
            assert np.allclose(whole[children].sum(axis=0), whole[k])


@given(sizes=st.lists(st.integers(1, 14), min_size=1, max_size=9), k=st.integers(2, 10))
def test_no_personal_node_and_no_difference_of_nodes_tells_of_fewer_than_k(sizes, k):
    grown = tree.grow(town(*sizes), at_least=k)
    assert all(len(node.members) >= k and node.level != SERIES for node in grown.nodes)
    parts = [set(node.members) for node in grown.nodes]
    for one, other in combinations(parts, 2):
        for apart in (one - other, other - one):
            if one & other:
                assert len(apart) == 0 or len(apart) >= k
    for position, node in enumerate(grown.nodes):
        children = grown.children(position)
        below = sorted(member for child in children for member in grown.nodes[child].members)
        assert not children or below == sorted(node.members)  # nothing is left over to be worked out


def test_a_street_that_is_too_small_takes_a_sibling_along():
    grown = tree.grow(town(30, 0, 12, 0, 3), at_least=10)
    below = [(n.level, len(n.members)) for n in grown.nodes if n.parent == 1]
    assert below == [("street", 30), (OTHERS, 15)]


def test_fewer_than_k_in_the_whole_city_are_not_shown_at_all():
    assert tree.grow(town(4, 5), at_least=10).nodes == ()


def test_the_others_stand_for_a_member_that_is_silent_for_a_while():
    pasts = np.tile(np.array([[10.0], [30.0], [60.0]]), 6)
    pasts[0, 2] = np.nan
    pasts[2, 4] = np.nan
    found = tree.summed(pasts)
    assert found[[0, 1, 2, 3, 5]] == pytest.approx(100.0) and np.isnan(found[4])
