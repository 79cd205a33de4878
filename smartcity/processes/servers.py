# SPDX-License-Identifier: Apache-2.0
"""Other people's servers as our children: in the foreground, without root's rights, told by the kernel when we die, so
that neither an exception nor Ctrl-C nor kill -9 leaves one running. No Django here."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PATIENCE_S: Final = 60.0


class Unavailable(RuntimeError):
    """The program is not installed, or it would not start; the message says which and what to do."""


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@dataclass(slots=True)
class Server:
    """A server as our child, in a session of its own so that Ctrl-C reaches us and not it. It may be killed and
    started again on the port and the data it had. `user` is whom it runs as when we are root."""

    name: str
    command: Sequence[object]
    folder: Path
    ready: Callable[[], bool]
    ends_with: signal.Signals = signal.SIGTERM
    user: tuple[str, str] = ("nobody", "nogroup")
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        """Returns when it is ready. Raises Unavailable."""
        log = self.folder / "server.log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                unprivileged(self.command, self.user, self.ends_with.name.removeprefix("SIG")),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE_S
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise Unavailable(f"{self.name} did not start: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """As its own documentation says to; killed when that takes too long."""
        self.process.send_signal(self.ends_with)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """kill -9, all of it, as the out-of-memory killer or a power cut would."""
        for pid in (self.process.pid, *descendants(self.process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def descendants(pid: int) -> set[int]:
    """Process ids of its children and theirs, now."""
    found: set[int] = set()
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, children.read_text().split()):
                found |= {child} | descendants(child)
    return found


def program(name: str, hint: str = "script/bootstrap --test") -> Path:
    """Where a program is; Debian keeps servers in /usr/sbin, which not everybody has in PATH. Raises Unavailable."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin")
    if not found:
        raise Unavailable(f"{name} is not installed; {hint} installs it")
    return Path(found)


def postgresql_programs(hint: str = "script/bootstrap --test") -> Path:
    """The folder of initdb and postgres, of the newest version that is here. Raises Unavailable."""
    versions = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if versions:
        return max(versions, key=lambda path: int(path.parent.name))
    return program("initdb", hint).parent


def postgresql_answers(url: str) -> bool:
    import psycopg

    try:
        psycopg.connect(f"{url}/postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def make_databases(url: str) -> None:
    """What is missing of the city's three. PostGIS goes into the template, so that every database made later has it."""
    import psycopg

    with psycopg.connect(f"{url}/template1", autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
        here = {row[0] for row in connection.execute("SELECT datname FROM pg_database").fetchall()}
        for name in ("smartcity", "smartcity_telemetry", "smartcity_tasks"):  # the names smartcity/settings.py makes
            if name not in here:
                connection.execute(f"CREATE DATABASE {name}".encode())


def unprivileged(
    command: Sequence[object], user: tuple[str, str] = ("nobody", "nogroup"), parent_death: str = "TERM"
) -> list[str]:
    """The command as another user when we are root (initdb refuses root), to be signalled when we die."""
    drop = [f"--reuid={user[0]}", f"--regid={user[1]}", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *drop, f"--pdeathsig={parent_death}", "--", *map(str, command)]


def once(folder: Path, command: Sequence[object], user: tuple[str, str] = ("nobody", "nogroup")) -> None:
    """Raises Unavailable with what it said."""
    done = subprocess.run(unprivileged(command, user), cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S)
    if done.returncode:
        raise Unavailable(f"{command[0]} failed: {done.stderr.strip()}")


def give_to(folder: Path, user: tuple[str, str]) -> None:
    if os.geteuid() == 0:
        shutil.chown(folder, *user)
