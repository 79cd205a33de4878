# SPDX-License-Identifier: Apache-2.0
"""Database work of the alarms: off the event loop, on one thread whose connections stay open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import connections

P = ParamSpec("P")
T = TypeVar("T")


class OwnThread:
    """Opening SpatiaLite costs milliseconds, so connections are kept until they break or grow too old."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        def job() -> T:
            _drop_broken()
            try:
                return work(*args, **kwargs)
            finally:
                _drop_broken()

        return await asyncio.get_running_loop().run_in_executor(self._executor, job)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._executor, connections.close_all)
        self._executor.shutdown(wait=False)


def _drop_broken() -> None:
    for connection in connections.all(initialized_only=True):
        if connection.errors_occurred or connection.settings_dict["CONN_MAX_AGE"]:
            connection.close_if_unusable_or_obsolete()
