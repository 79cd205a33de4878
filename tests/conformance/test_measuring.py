# SPDX-License-Identifier: Apache-2.0
"""What is measured, and the codecs it is read with."""

from __future__ import annotations

import random

import pytest

from smartcity import declared
from smartcity.kernel import senml
from smartcity.kernel.codecs import BadPayload, Instruction
from smartcity.kernel.metrics import DataClass, faults
from tests.conformance.installed import NOW, each_domain, kinds_of, named


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
