# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from random import Random

import pytest

from benchmarks.chaos import mutations
from smartcity.kernel import senml
from smartcity.kernel.codecs import BadPayload

NOW = 1_800_000_000


def test_a_seed_tells_all_payloads():
    assert [mutations.payload(Random(1), NOW) for _ in range(50)] == [
        mutations.payload(Random(1), NOW) for _ in range(50)
    ]


@pytest.mark.parametrize("payload", [mutations.payload, mutations.cbor_payload])
def test_payloads_reach_what_lies_behind_the_parser(payload):
    random, problems, read = Random(2), set(), 0
    for _ in range(2_000):
        try:
            read += len(senml.CODEC.decode(payload(random, NOW), NOW * 1000)) > 0
        except BadPayload as problem:
            problems.add(str(problem)[:40])
    assert 100 < read < 1_900 and len(problems) > 10


def test_hurt_bytes_are_bounded():
    random = Random(3)
    assert all(len(mutations.hurt(random, b"x" * 100, 9)) <= mutations.LARGEST for _ in range(500))
