# SPDX-License-Identifier: Apache-2.0
"""`manage.py runmobile` as a process of its own, on a free port, from the moment it is ready."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.city import ROOT, City
from tests.servers import free_port


@contextlib.contextmanager
def front(var: Path | None = None, **environment: str) -> Iterator[City]:
    """As `tests.city.city` gives a whole city; there is no MQTT port."""
    with contextlib.ExitStack() as stack:
        folder = var or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="smartcity-mobile-")))
        port = free_port()
        given = {name: value for name, value in os.environ.items() if not name.startswith(("SMARTCITY_", "DJANGO_"))}
        given |= {"SMARTCITY_VAR": str(folder), "PYTHONUNBUFFERED": "1"} | environment
        log = folder / f"said-mobile-{port}.log"
        command = ["setpriv", "--pdeathsig=TERM", "--", sys.executable, "manage.py", "runmobile", "--port", str(port)]
        with log.open("ab") as output:
            process = subprocess.Popen(command, cwd=ROOT, env=given, stdout=output, stderr=output)
        started = City(f"http://127.0.0.1:{port}", 0, folder, process, log)
        try:
            _wait_until_ready(started)
            yield started
        finally:
            started.stop()


def _wait_until_ready(started: City, patience_s: float = 60) -> None:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        assert started.process.poll() is None, started.said()
        with contextlib.suppress(OSError):
            if started.get("/ready")[0] == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"it is not ready: {started.said()}")
