# SPDX-License-Identifier: Apache-2.0
"""VictoriaMetrics and InfluxDB 1.x as Debian brings them: on a free port, in a temporary folder, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from smartcity.processes.servers import program
from tests.servers import Server, free_port, listens

HINT: Final = "script/bootstrap --bench"

INFLUXDB: Final = """
reporting-disabled = true
bind-address = "127.0.0.1:{admin}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  index-version = "tsi1"
  wal-fsync-delay = "0s"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
"""


@contextlib.contextmanager
def victoriametrics() -> Iterator[tuple[str, Server]]:
    """As it comes; yields its URL. Raises Unavailable."""
    with _folder() as folder:
        port, executable = free_port(), program("victoria-metrics", HINT)
        command = [executable, f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={folder}/data"]
        with _running(
            Server("VictoriaMetrics", [*command, "-retentionPeriod=100y"], folder, lambda: listens(port))
        ) as s:
            yield f"http://127.0.0.1:{port}", s


@contextlib.contextmanager
def influxdb() -> Iterator[tuple[str, Server]]:
    """With a log that is written through before each answer, as it comes; yields its URL. Raises Unavailable."""
    with _folder() as folder:
        port, executable = free_port(), program("influxd", HINT)
        (folder / "influxdb.conf").write_text(INFLUXDB.format(folder=folder, port=port, admin=free_port()))
        command = [executable, "run", "-config", folder / "influxdb.conf"]
        with _running(Server("InfluxDB", command, folder, lambda: listens(port))) as server:
            yield f"http://127.0.0.1:{port}", server


@contextlib.contextmanager
def _running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """It belongs to whom the server will run as."""
    with tempfile.TemporaryDirectory(prefix="smartcity-") as name:
        if os.geteuid() == 0:
            shutil.chown(name, "nobody", "nogroup")
        yield Path(name)
