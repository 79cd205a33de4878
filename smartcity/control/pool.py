# SPDX-License-Identifier: Apache-2.0
"""Database work of control, off the event loop, on a few threads whose connections stay open."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import connections

P = ParamSpec("P")
T = TypeVar("T")


class Pool:
    """Opening SpatiaLite costs milliseconds, so connections are kept until they break or grow too old."""

    def __init__(self, threads: int = 4) -> None:
        self._threads = threads
        self._executor: ThreadPoolExecutor | None = None

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        def job() -> T:
            _drop_broken()
            try:
                return work(*args, **kwargs)
            finally:
                _drop_broken()

        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="control")
        return await asyncio.get_running_loop().run_in_executor(self._executor, job)

    async def close(self) -> None:
        """Close every thread's connections, then the threads: all of them meet, so that none is forgotten.

        Work that comes later starts new ones.
        """
        executor, self._executor = self._executor, None
        if executor is None:
            return
        together = threading.Barrier(self._threads)
        loop = asyncio.get_running_loop()
        jobs = [loop.run_in_executor(executor, _leave, together) for _ in range(self._threads)]
        await asyncio.gather(*jobs)
        executor.shutdown(wait=False)


def _leave(together: threading.Barrier) -> None:
    connections.close_all()
    together.wait(timeout=30)


def _drop_broken() -> None:
    """As Django does around a request, but files (CONN_MAX_AGE 0) stay open while they work."""
    for connection in connections.all(initialized_only=True):
        if connection.errors_occurred or connection.settings_dict["CONN_MAX_AGE"]:
            connection.close_if_unusable_or_obsolete()
