# SPDX-License-Identifier: Apache-2.0
"""Who does the fleet's jobs: this process, a pool of processes of this machine, or a Dask cluster.

`SMARTCITY_FORECAST_EXECUTOR` names one: `here`, `processes`, `processes:4`, `dask://host:port`, `dask+tls://host:port`.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import chain, islice
from typing import Protocol

from smartcity.forecasting import worker
from smartcity.forecasting.worker import Done

log = logging.getLogger(__name__)

HERE, PROCESSES = "here", "processes"
NAMES = re.compile(r"here|processes(:[1-9]\d*)?|dask(\+tls)?://[^\s/:]+:\d+")
WRITE = "here, processes, processes:4 or dask://host:port"
LOOK_S = 0.5
JOIN_S = 30
MOST_DEATHS = 3  # of a pool, one after another without a job done: then it is the job or the machine


class Unusable(Exception):
    """Why nothing can be handed out, and what to do, in a sentence."""


class Runner(Protocol):
    def run(self, jobs: Iterable[int], between: Callable[[], None]) -> Iterator[Done]:
        """Results as they come. `between` is called at least every half second and may raise: what was handed out then
        still comes to its end, nothing more is begun."""
        ...


class Here:
    """In this process, one after another."""

    def run(self, jobs: Iterable[int], between: Callable[[], None]) -> Iterator[Done]:
        for job in jobs:
            between()
            yield worker.partition(job)
        between()


class Pool:
    """Handed to `width` at once and as many again to wait, so that little is lost when it has to stop."""

    def __init__(self, start: Callable[[], Executor], width: int) -> None:
        self._start, self._width = start, width
        self._executor = start()
        self._running: dict[Future[Done], int] = {}

    def run(self, jobs: Iterable[int], between: Callable[[], None]) -> Iterator[Done]:
        left, deaths = iter(jobs), 0
        while True:
            between()
            try:
                self._hand_out(left)
                if not self._running:
                    return
                for future in futures.wait(self._running, LOOK_S, futures.FIRST_COMPLETED).done:
                    done = _result(future, self._running[future])
                    del self._running[future]
                    deaths = 0
                    yield done
            except BrokenProcessPool:
                deaths += 1
                if deaths >= MOST_DEATHS:
                    raise Unusable("The processes that forecast keep dying: is there memory enough?") from None
                left = chain(list(self._running.values()), left)
                self.close()
                self._executor = self._start()

    def close(self) -> None:
        """What waits is given up; what runs comes to its end."""
        for future in self._running:
            future.cancel()
        self._running = {}
        self._executor.shutdown()

    def _hand_out(self, left: Iterator[int]) -> None:
        """A job whose handing out breaks counts as handed out, or it would be lost."""
        for job in islice(left, 2 * self._width - len(self._running)):
            future: Future[Done] = Future()
            self._running[future] = job
            handed = self._executor.submit(worker.partition, job)
            del self._running[future]
            self._running[handed] = job


def _result(future: Future[Done], job: int) -> Done:
    """Raises BrokenProcessPool; whatever else a job did not see to itself is told with it."""
    try:
        return future.result()
    except BrokenProcessPool:
        raise
    except Exception as problem:
        log.exception("job %d has failed", job)
        return Done(job, error=f"job {job} ({type(problem).__name__})")


def check(name: str) -> None:
    """Raises Unusable where there is no such executor, or a package for it is missing. Empty is fine."""
    if name and not NAMES.fullmatch(name):
        raise Unusable(f"SMARTCITY_FORECAST_EXECUTOR is {name}: leave it empty, or write {WRITE}.")
    if name.startswith("dask") and find_spec("distributed") is None:
        raise Unusable("Forecasts through Dask need a package that is not there: run script/bootstrap --dask.")


@contextmanager
def opened(name: str) -> Iterator[Runner]:
    """The executor of that name. Raises Unusable."""
    check(name)
    kind, _, rest = name.partition(":")
    if kind == HERE:
        yield Here()
    elif kind == PROCESSES:
        width = int(rest or os.cpu_count() or 1)
        pool = Pool(lambda: _processes(width), width)
        try:
            yield pool
        finally:
            pool.close()
    else:
        with _dask(f"{'tls' if kind.endswith('tls') else 'tcp'}:{rest}") as pool:
            yield pool


def _processes(width: int) -> Executor:
    """Each begins anew: a copy of this process would share its database connections and has its numpy loaded."""
    worker.pin()
    return ProcessPoolExecutor(width, multiprocessing.get_context("spawn"), worker.begin)


@contextmanager
def _dask(address: str) -> Iterator[Pool]:
    from distributed import Client

    try:
        client = Client(address, timeout=JOIN_S, set_as_default=False)
    except OSError:
        raise Unusable(f"No Dask scheduler answers at {address}: start it, or correct the setting.") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=JOIN_S)
        except TimeoutError:
            raise Unusable(f"No worker has joined the Dask scheduler at {address}: start one.") from None
        pool = Pool(lambda: client.get_executor(pure=False), sum(client.nthreads().values()))
        try:
            yield pool
        finally:
            pool.close()
