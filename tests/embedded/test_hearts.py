# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import time

from smartcity import hearts
from smartcity.hearts import Hearts, Lag


async def test_a_task_that_fails_is_started_again_and_says_why(monkeypatch):
    monkeypatch.setattr(hearts, "LONGEST_PAUSE_S", 0.01)
    times, all_hearts = [], Hearts()

    async def work():
        times.append(1)
        if len(times) < 2:
            raise ValueError("no such table")

    await asyncio.wait_for(all_hearts.run("pipeline", work), 5)
    assert len(times) == 2
    assert all_hearts.all["pipeline"].failures == 1
    assert all_hearts.all["pipeline"].error == "ValueError: no such table"


async def test_one_failing_heart_does_not_stop_another():
    all_hearts, beats = Hearts(), []

    async def bad():
        raise RuntimeError("dead")

    async def good():
        beats.append(1)

    tasks = [asyncio.create_task(all_hearts.every(0.01, name, work)) for name, work in (("bad", bad), ("good", good))]
    await asyncio.sleep(0.2)
    for task in tasks:
        task.cancel()
    assert len(beats) > 5
    assert all_hearts.all["bad"].failures > 5


async def test_a_beat_that_recovers_forgets_its_error():
    all_hearts, answers = Hearts(), iter([RuntimeError("locked")])

    async def work():
        for error in answers:
            raise error

    task = asyncio.create_task(all_hearts.every(0.005, "alarms", work))
    await asyncio.sleep(0.1)
    task.cancel()
    assert all_hearts.all["alarms"].error == "" and all_hearts.all["alarms"].failures == 1


async def test_a_blocked_event_loop_shows():
    lag = Lag()
    task = asyncio.create_task(lag.watch())
    await asyncio.sleep(0.12)
    time.sleep(0.2)  # noqa: ASYNC251 - what nobody may do on the loop is what is tested
    await asyncio.sleep(0.12)
    task.cancel()
    assert lag.worst_ms > 100
