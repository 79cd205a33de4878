# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from math import inf

import pytest

from smartcity.kernel.acceptance import REMEMBERED, Acceptance

NOW = 1_000_000


class Device:
    """Follows anything but the point `paint`, and notes what it did."""

    def __init__(self):
        self.did, self.acceptance = [], Acceptance("X-1")

    def told(self, key, sequence, point="level", value=1.0, expires_ms=NOW + 1):
        instruction = {"id": key, "point": point, "value": value, "expires_at": expires_ms, "sequence": sequence}
        acks = self.acceptance.take(instruction, NOW, self.follow)
        assert {(ack.uid, ack.id) for ack in acks} == {("X-1", key)}
        return [ack.state for ack in acks], acks[-1].reason

    def follow(self, point, value, until_ms):
        if point == "paint":
            return "it has no paint"
        self.did.append((point, value, until_ms))
        return ""


DONE = (["received", "applied"], "")


def test_what_is_repeated_after_a_newer_order_is_answered_as_before_and_not_done_again():
    device = Device()
    assert [device.told("a", 1), device.told("b", 2, value=2.0)] == [DONE, DONE]
    assert device.told("a", 1) == (["applied"], "")
    assert device.did == [("level", 1.0, NOW + 1), ("level", 2.0, NOW + 1)]


def test_a_refusal_is_repeated_too():
    device = Device()
    assert device.told("a", 1, "paint") == device.told("a", 1, "paint") == (["refused"], "it has no paint")


def test_an_order_older_than_the_last_of_its_point_or_than_the_last_lease_is_superseded():
    device = Device()
    device.told("a", 5)
    assert device.told("b", 4) == (["refused"], "superseded")
    assert device.told("c", 4, "other") == DONE
    device.told("d", 9, "lease", "local")
    assert device.told("e", 8, "other") == (["refused"], "superseded")


def test_what_was_refused_supersedes_nothing():
    device = Device()
    device.told("a", 9, "paint")
    device.told("b", 9, "lease", "perhaps")
    assert device.told("c", 1, "paint") == (["refused"], "it has no paint")
    assert device.told("d", 1) == DONE


def test_nothing_is_done_at_or_after_its_expiry():
    device = Device()
    assert device.told("a", 1, expires_ms=NOW)[0] == ["expired"]
    assert device.did == []


@pytest.mark.parametrize("broken", [{"expires_at": None}, {"sequence": "soon"}, {"expires_at": inf}, {"id": ""}])
def test_an_order_without_id_expiry_or_sequence_is_refused(broken):
    device = Device()
    order = {"id": "a", "point": "level", "value": 1.0, "expires_at": NOW + 1, "sequence": 1}
    assert [ack.state for ack in device.acceptance.take(order | broken, NOW, device.follow)] == ["refused"]
    assert [ack.state for ack in device.acceptance.take({}, NOW, device.follow)] == ["refused"]
    assert device.did == []


def test_only_leases_there_are_reach_the_device():
    device = Device()
    assert device.told("a", 1, "lease", "auto") == DONE
    assert device.told("b", 2, "lease", "perhaps") == (["refused"], "unknown lease 'perhaps'")
    assert device.did == [("lease", "auto", NOW + 1)]


def test_a_fast_request_gets_one_answer_but_a_uuid_that_begins_alike_gets_two():
    device = Device()
    assert device.told("f12", 1) == (["applied"], "")
    assert device.told("f47ac10b-58cc-4372-a567-0e02b2c3d479", 2) == DONE


def test_memory_is_bounded():
    device = Device()
    for number in range(3 * REMEMBERED):
        device.told(str(number), number)
    assert len(device.acceptance._answered) == REMEMBERED
