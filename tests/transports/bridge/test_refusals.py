# SPDX-License-Identifier: Apache-2.0
"""What was refused comes again; what only fills a full quarantine does not keep everybody waiting."""

from __future__ import annotations

from smartcity.transports.bridge.refusals import FIRST_PAUSE_S, MOST, PRESSED_PAUSE_S, STUBBORN_S, Refusals
from smartcity.transports.messages import QUARANTINE_FULL, QUOTA_EXCEEDED, Outcome

RATE = Outcome.refused("too many messages", QUOTA_EXCEEDED)


def gives_up(refusals, outcome=QUARANTINE_FULL, device="X-1", now=0.0, is_again=False):
    return refusals.may_give_up(device, outcome, is_again=is_again, now=now)


def test_a_refused_message_waits_for_the_next_connection_and_each_time_in_vain_for_longer():
    refusals = Refusals()
    assert not refusals.is_time_to_reconnect(1e9)
    assert not gives_up(refusals)
    assert not refusals.is_time_to_reconnect(FIRST_PAUSE_S - 1)
    assert refusals.is_time_to_reconnect(FIRST_PAUSE_S)
    refusals.connected()
    assert refusals.waiting == 0
    assert not gives_up(refusals, now=100, is_again=True)
    assert not refusals.is_time_to_reconnect(100 + FIRST_PAUSE_S)
    assert refusals.is_time_to_reconnect(100 + 2 * FIRST_PAUSE_S)
    refusals.connected()
    refusals.connected()  # nothing was refused this time
    gives_up(refusals, now=200)
    assert refusals.is_time_to_reconnect(200 + FIRST_PAUSE_S)


def test_many_refused_ones_are_delivered_again_soon():
    refusals = Refusals()
    for _ in range(MOST):
        assert not gives_up(refusals, RATE)
    assert refusals.is_time_to_reconnect(PRESSED_PAUSE_S)


def test_a_device_whose_garbage_comes_back_to_a_full_quarantine_is_given_up_for_a_while():
    refusals = Refusals()
    for _ in range(MOST):
        gives_up(refusals)
    refusals.connected()
    assert gives_up(refusals, now=6, is_again=True)
    assert gives_up(refusals, now=7)  # also what it says now
    assert not gives_up(refusals, now=7, device="X-2")
    assert not gives_up(refusals, now=7 + STUBBORN_S)
    assert (refusals.given_up, refusals.stubborn) == (2, ["X-1"])


def test_readings_are_never_given_up():
    refusals = Refusals()
    for _ in range(5 * MOST):
        assert not gives_up(refusals, RATE, is_again=True)
        assert not gives_up(refusals, Outcome.refused("not storable"), is_again=True)
    refusals.connected()
    assert not gives_up(refusals, RATE, is_again=True)
    assert refusals.given_up == 0
