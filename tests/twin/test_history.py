# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import multiprocessing
from itertools import pairwise

import numpy as np
import pytest

from smartcity.twin import history
from smartcity.twin.street import Street
from tests.twin.tiny import START, device, domain

DAY = 86_400_000
FROM, TO = START - 3 * DAY, START + 400_000

WAVES = """
    import numpy as np

    def profile(asset, metric, times_ms, rng):
        if metric != "tiny.count":
            return None
        values = 50 + 10 * np.sin(times_ms / 1e7) + rng.normal(0, 1, len(times_ms))
        values[5:9] = np.nan
        return values
"""
TELEGRAM = """
    import struct
    from dataclasses import dataclass
    from smartcity.kernel.codecs import Observation

    @dataclass(frozen=True)
    class Whole:
        name: str = "whole"
        version: str = "1"
        def decode(self, payload, received_at_ms):
            at, value = struct.unpack("<qi", payload)
            return [Observation("tiny.count", float(value), at)]

    CODECS = (Whole(),)
"""
WRITE = """
    import struct
    def write(asset, at_ms, values):
        return struct.pack("<qi", at_ms, round(values["tiny.count"]))
"""


def street(*devices):
    return Street(devices=devices or (device("C-1"), device("C-2")), zone="Europe/Helsinki")


def only(slabs):
    return np.concatenate([slab.values for slab in slabs], axis=1)


def test_a_step_is_measured_in_its_middle_and_only_whole_steps_count():
    times = history.steps(START + 1, START + 3_600_000)
    assert (times % 900_000 == 450_000).all()
    assert times[0] >= START + 1 and times[-1] + 450_000 <= START + 3_600_000


def test_history_repeats_itself_differs_by_device_and_leaves_out_what_was_not_measured(tmp_path, monkeypatch):
    domain(tmp_path, monkeypatch, history=WAVES)
    first, again = (list(history.generate(street(device("C-1"), device("C-2")), FROM, TO)) for _ in range(2))
    assert [(uid, metric) for uid, metric, _, _ in first] == [("C-1", "tiny.count"), ("C-2", "tiny.count")]
    for (_, _, times, values), (_, _, _, same) in zip(first, again, strict=True):
        assert len(times) == len(values) == 287 and np.array_equal(values, same, equal_nan=True)
    assert not np.array_equal(first[0][3], first[1][3], equal_nan=True)


def test_what_is_sent_in_the_house_format_comes_back_as_it_was(tmp_path, monkeypatch):
    domain(tmp_path, monkeypatch, history=WAVES)
    ((_, _, times, values),) = history.generate(street(device("C-1")), FROM, TO)
    edges = [FROM, FROM + DAY, FROM + 2 * DAY, TO]
    slabs = list(history.slabs(street(device("C-1")), edges))
    assert np.array_equal(np.concatenate([slab.times_ms for slab in slabs]), times)
    assert np.array_equal(only(slabs)[0], values, equal_nan=True)
    for (start, end), slab in zip(pairwise(edges), slabs, strict=True):
        assert start <= slab.times_ms[0] and slab.times_ms[-1] < end


def test_a_device_with_a_payload_of_its_own_loses_what_its_payload_cannot_carry(tmp_path, monkeypatch):
    domain(tmp_path, monkeypatch, history=WAVES + WRITE, codecs=TELEGRAM)
    mine = street(device("C-1", codec="whole"))
    ((_, _, _, values),) = history.generate(mine, FROM, TO)
    found = only(history.slabs(mine, [FROM, TO]))[0]
    assert np.array_equal(found, np.round(values), equal_nan=True)
    assert np.isnan(found[5:9]).all()


def test_a_payload_that_comes_back_at_another_instant_is_our_fault_and_said_so(tmp_path, monkeypatch):
    domain(tmp_path, monkeypatch, history=WAVES + WRITE.replace("at_ms, round", "at_ms + 1, round"), codecs=TELEGRAM)
    with pytest.raises(history.BadHistory, match="C-1"):
        list(history.slabs(street(device("C-1", codec="whole")), [FROM, TO]))


def test_a_domain_without_a_history_has_none_and_harms_nobody(tmp_path, monkeypatch):
    domain(tmp_path, monkeypatch, history=WAVES)
    domain(tmp_path, monkeypatch, name="young")
    found = history.generate(street(device("C-1"), device("Y-1", "young")), FROM, TO)
    assert [uid for uid, *_ in found] == ["C-1"]


def test_a_history_may_know_the_weather(tmp_path, monkeypatch):
    text = """
        import numpy as np
        class History:
            def __init__(self, devices, world, seed):
                self.world = world
            def profile(self, asset, metric, times_ms, rng):
                return np.array([self.world.temperature(at) for at in times_ms.tolist()])
    """
    domain(tmp_path, monkeypatch, history=text)
    ((_, _, _, values),) = history.generate(street(device("C-1")), FROM, TO)
    assert values.std() > 0.5


def test_the_working_process_says_in_a_sentence_why_it_could_not(tmp_path):
    ours, theirs = multiprocessing.Pipe(duplex=False)
    with pytest.raises(Exception, match=r"street\.json"):
        history.serve(theirs, tmp_path / "street.json", [FROM, TO], [])
    assert "importcity" in ours.recv()
