# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import json
import logging

import pytest

from smartcity.twin import domain as domains
from tests.twin.tiny import COUNTERS, START, device, domain, instants, open_city, playing, until, values


@pytest.fixture(autouse=True)
def tiny(tmp_path, monkeypatch):
    domain(tmp_path, monkeypatch, twin=COUNTERS)


def break_down(player):
    player.of["C-1"].model.breaks = True


async def test_every_device_speaks_with_its_own_key_and_says_what_it_is():
    devices = [device("C-1"), device("C-2")]
    async with open_city(devices) as city, playing(city, devices):
        await until(lambda: {m.device for m in city.of("up")} == {"C-1", "C-2"})
        await until(lambda: len(city.of("hello")) == 2)
        assert json.loads(city.of("hello", "C-1")[0].payload) == {"type": "counter"}


async def test_a_device_with_a_wrong_key_is_never_heard_while_others_are():
    devices = [device("C-1"), device("C-2")]
    async with open_city(devices) as city, playing(city, [devices[0], device("C-2", secret="guessed")]):
        await until(lambda: city.of("up", "C-1"))
        await asyncio.sleep(0.3)
        assert not city.of("up", "C-2")


async def test_the_street_lives_every_period_and_is_never_ahead_of_the_city():
    devices = [device("C-1")]
    async with open_city(devices) as city, playing(city, devices):
        await until(lambda: city.of("up"))
        for _ in range(6):
            city.at += 13_000
            await asyncio.sleep(0.25)
        await until(lambda: city.asked[-1] == city.at)
        told = [instants(m)[0] for m in city.of("up")]
        assert told == list(range(told[0], city.at + 1, 5_000)) and told[0] % 5_000 == 0
        assert not city.early


async def test_time_that_stands_still_brings_nothing_new():
    devices = [device("C-1")]
    async with open_city(devices) as city, playing(city, devices):
        await until(lambda: city.of("up"))
        await asyncio.sleep(0.7)
        assert len(city.of("up")) == 1


async def test_a_long_gap_is_left_out_and_a_clock_set_back_is_followed():
    devices = [device("C-1")]
    async with open_city(devices) as city, playing(city, devices):
        await until(lambda: city.of("up"))
        city.at += 86_400_000
        await until(lambda: len(city.of("up")) == 2)
        city.at = START - 60_000
        await until(lambda: len(city.of("up")) == 3)
        assert instants(city.of("up")[-1])[0] == START - 60_000


async def test_a_live_city_hears_nothing_simulated(caplog):
    devices = [device("C-1")]
    async with open_city(devices) as city:
        city.mode = "LIVE"
        async with playing(city, devices):
            await until(lambda: len(city.asked) > 3)
            assert not city.of("up")
    assert "keep silent" in caplog.text


async def test_a_command_is_obeyed_and_answered():
    devices = [device("C-1")]
    async with open_city(devices) as city, playing(city, devices):
        await until(lambda: city.of("hello"))
        order = {"id": "f7", "point": "count", "value": 40, "expires_at": START + 60_000, "sequence": 1}
        city.gateway.send_command("C-1", json.dumps(order).encode(), message_expiry_s=5)
        await until(lambda: len(city.of("ack")) == 2)
        said = [json.loads(m.payload) for m in city.of("ack")]
        assert [(one["id"], one["state"], one["reason"]) for one in said] == [
            ("f7", "received", ""), ("f7", "applied", "as told")
        ]  # fmt: skip
        assert said[0]["at"] == START
        city.at += 5_000
        await until(lambda: values(city.of("up"))[-1] == 41)


async def test_what_nobody_acknowledged_is_said_again_after_the_line_was_cut():
    devices = [device("C-1")]
    async with open_city(devices) as city:
        city.acknowledges = False
        async with playing(city, devices) as player:
            await until(lambda: city.of("up") and city.of("hello"))
            city.acknowledges = True
            player.fleet._clients["C-1"].drop()
            await until(lambda: len(city.of("up")) == 2)
            await until(lambda: player.fleet.unacknowledged == 0)
            assert city.of("up")[0].payload == city.of("up")[1].payload
            await until(lambda: len(city.of("hello")) == 3)  # said, said again, and said by the new connection


async def test_a_broken_domain_is_silent_with_a_sentence_while_the_others_go_on(tmp_path, monkeypatch, caplog):
    domain(tmp_path, monkeypatch, name="other", twin=COUNTERS)
    devices = [device("C-1"), device("O-1", "other")]
    async with open_city(devices) as city, playing(city, devices) as player:
        await until(lambda: city.of("up", "C-1") and city.of("up", "O-1"))
        break_down(player)
        for _ in range(4):
            city.at += 5_000
            await asyncio.sleep(0.25)
        await until(lambda: len(city.of("up", "O-1")) == 5)
        assert len(city.of("up", "C-1")) == 1
    assert "tiny has stopped (RuntimeError: out of order). Its 1 devices stay silent" in caplog.text


async def test_a_broken_domain_comes_back_by_itself(monkeypatch):
    monkeypatch.setattr(domains, "FIRST_PAUSE_S", 0.1)
    devices = [device("C-1")]
    async with open_city(devices) as city, playing(city, devices) as player:
        await until(lambda: city.of("up"))
        break_down(player)
        city.at += 5_000
        await until(lambda: player.of["C-1"].failures == 1)
        await until(lambda: player.of["C-1"].model is not None)
        city.at += 5_000
        await until(lambda: len(city.of("up")) == 2)


async def test_a_domain_whose_simulator_is_not_installed_costs_nobody_else(tmp_path, monkeypatch, caplog):
    domain(tmp_path, monkeypatch, name="needy", twin="import simulator_nobody_has\n")
    devices = [device("C-1"), device("N-1", "needy")]
    async with open_city(devices) as city, playing(city, devices):
        await until(lambda: city.of("up", "C-1"))
        await until(lambda: "needy cannot be simulated" in caplog.text)
    assert "simulator_nobody_has" in caplog.text and "Traceback" not in caplog.text


async def test_a_model_may_not_speak_for_a_stranger(tmp_path, monkeypatch, caplog):
    domain(tmp_path, monkeypatch, name="liar", twin=COUNTERS.replace("yield Up(uid", 'yield Up("C-1"'))
    devices = [device("C-1"), device("X-1", "liar")]
    async with open_city(devices) as city, playing(city, devices, only=["liar"]):
        await until(lambda: "which are not devices of its" in caplog.text)
        assert not city.heard


async def test_unreadable_bytes_from_the_city_leave_a_device_as_it_was(caplog):
    devices = [device("C-1")]
    caplog.set_level(logging.ERROR)
    async with open_city(devices) as city, playing(city, devices) as player:
        await until(lambda: city.of("hello"))
        city.gateway.send_command("C-1", b"\xff not json", message_expiry_s=5)
        await until(lambda: player.fleet.counts.heard == 1)
        city.at += 5_000
        await until(lambda: len(city.of("up")) == 2)
        assert not city.of("ack")


async def test_equal_seeds_make_equal_days_and_other_seeds_others():
    days = []
    for seed in (3, 3, 4):
        devices = [device("C-1"), device("C-2")]
        async with open_city(devices) as city, playing(city, devices, seed=seed):
            await until(lambda city=city: len(city.of("up")) == 2)
            city.at += 20_000
            await until(lambda city=city: len(city.of("up")) == 10)
            days.append(sorted(m.payload for m in city.of("up", "C-1")))
    assert days[0] == days[1] != days[2]
