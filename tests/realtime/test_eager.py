# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio

import pytest

from smartcity.realtime.eager import at_once


async def test_what_need_not_wait_is_done_when_it_returns():
    done = []

    async def work():
        done.append(1)

    assert at_once(work()) is None
    assert done == [1]


async def test_what_must_wait_goes_on_as_a_task_with_what_it_waited_for():
    heard = []
    answer = asyncio.get_running_loop().create_future()

    async def work():
        heard.append(await answer)
        await asyncio.sleep(0)
        with pytest.raises(LookupError):
            await asyncio.gather(fails())
        heard.append("end")

    async def fails():
        raise LookupError

    task = at_once(work())
    assert task
    answer.set_result("answer")
    await task
    assert heard == ["answer", "end"]


async def test_it_can_be_cancelled_where_it_waits():
    ended = []

    async def work():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(1)

    task = at_once(work())
    assert task
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled() and ended == [1]


async def test_only_a_broken_connection_is_passed_over():
    async def breaks():
        raise BrokenPipeError

    async def is_wrong():
        raise LookupError

    assert at_once(breaks()) is None
    with pytest.raises(LookupError):
        at_once(is_wrong())
