# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL, Redis and Mosquitto for the length of a test: on a free port, in a temporary folder, gone afterwards.

Each server runs in the foreground as our child, without root's rights, and is told by the kernel when we die, so
that neither an exception nor Ctrl-C nor kill -9 leaves one running. From a shell:

    python -m tests.servers postgis redis -- COMMAND...

runs COMMAND with DATABASE_URL and REDIS_URL (and MOSQUITTO_URL) set and ends with its exit code.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_S = 60.0


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
    started again on the port and the data it had."""

    name: str
    command: Sequence[object]
    folder: Path
    ready: Callable[[], bool]
    ends_with: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        """Returns when it is ready. Raises Unavailable."""
        log = self.folder / "server.log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                _unprivileged(self.command, self.ends_with.name.removeprefix("SIG")),
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


@contextlib.contextmanager
def postgis(*, durable: bool = False) -> Iterator[str]:
    """A PostgreSQL with PostGIS in its template; yields the DATABASE_URL of an empty database `smartcity`.

    `durable` keeps fsync on, which only a benchmark needs: tests kill processes, not machines.
    """
    with postgresql(durable=durable) as (url, _):
        yield url


@contextlib.contextmanager
def postgresql(*, durable: bool = False, under: Path | None = None) -> Iterator[tuple[str, Server]]:
    """The same with the server itself, which may be stopped, killed and started; its data lie `under` a folder."""
    programs = _postgresql_programs()
    password = secrets.token_hex(16)
    port = free_port()
    with _folder(under) as folder:
        (folder / "password").write_text(password)
        data = folder / "data"
        initdb = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            "city",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ]
        _once(folder, [*initdb, f"--pwfile={folder / 'password'}", *([] if durable else ["--no-sync"])])
        settings = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": folder,
            "max_connections": 100,
            "fsync": "on" if durable else "off",
            "shared_buffers": "128MB",
            "max_wal_size": "2GB",
        }
        command = [programs / "postgres", "-D", data]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        url = f"postgres://city:{password}@127.0.0.1:{port}"
        with _running("PostgreSQL", command, folder, ready=lambda: _answers(url), stop=signal.SIGINT) as server:
            _prepare(url)
            yield f"{url}/smartcity", server


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """A Redis that keeps nothing; yields its REDIS_URL."""
    port = free_port()
    with _folder() as folder:
        command = [_program("redis-server"), "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        with _running("Redis", command, folder, ready=lambda: listens(port)):
            yield f"redis://127.0.0.1:{port}/0"


@contextlib.contextmanager
def mosquitto(*settings: str) -> Iterator[int]:
    """A Mosquitto open to all on 127.0.0.1, with further lines for its configuration; yields its port."""
    with broker("persistence false", *settings) as (port, _):
        yield port


@contextlib.contextmanager
def broker(*settings: str) -> Iterator[tuple[int, Server]]:
    """The same with the broker itself, which may be killed and started; what it keeps lies in its own folder."""
    port = free_port()
    with _folder() as folder:
        lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", f"persistence_location {folder}/", *settings, ""]
        (folder / "mosquitto.conf").write_text("\n".join(lines))
        command = [_program("mosquitto"), "-c", folder / "mosquitto.conf"]
        with _running("Mosquitto", command, folder, ready=lambda: listens(port)) as server:
            yield port, server


def _program(name: str) -> Path:
    """Where a program is; Debian keeps servers in /usr/sbin, which not everybody has in PATH."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin")
    if not found:
        raise Unavailable(f"{name} is not installed; script/bootstrap --test installs it")
    return Path(found)


def _postgresql_programs() -> Path:
    versions = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if versions:
        return max(versions, key=lambda path: int(path.parent.name))
    return _program("initdb").parent


@contextlib.contextmanager
def _folder(under: Path | None = None) -> Iterator[Path]:
    """A temporary folder that belongs to whoever the server will run as."""
    folder = Path(tempfile.mkdtemp(prefix="smartcity-", dir=under))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody", "nogroup")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(command: Sequence[object], parent_death: str = "TERM") -> list[str]:
    """The command as nobody when we are root (initdb refuses root), to be signalled when we die."""
    drop = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *drop, f"--pdeathsig={parent_death}", "--", *map(str, command)]


def _once(folder: Path, command: Sequence[object]) -> None:
    done = subprocess.run(_unprivileged(command), cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S)
    if done.returncode:
        raise Unavailable(f"{command[0]} failed: {done.stderr.strip()}")


@contextlib.contextmanager
def _running(
    name: str,
    command: Sequence[object],
    folder: Path,
    *,
    ready: Callable[[], bool],
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[Server]:
    """The server from the moment it is ready."""
    server = Server(name, command, folder, ready, stop)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _answers(url: str) -> bool:
    import psycopg

    try:
        psycopg.connect(f"{url}/postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _prepare(url: str) -> None:
    """PostGIS goes into the template, so that every database made later, each test database too, has it."""
    import psycopg

    with psycopg.connect(f"{url}/template1", autocommit=True) as connection:
        connection.execute("CREATE EXTENSION postgis")
    with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
        for suffix in ("", "_telemetry", "_tasks"):
            connection.execute(f"CREATE DATABASE smartcity{suffix}")  # the names smartcity/settings.py makes


def _main(arguments: list[str]) -> int:
    split = arguments.index("--")
    with contextlib.ExitStack() as stack:
        for name in arguments[:split]:
            if name == "postgis":
                os.environ["DATABASE_URL"] = stack.enter_context(postgis())
            elif name == "redis":
                os.environ["REDIS_URL"] = stack.enter_context(redis())
            else:
                os.environ["MOSQUITTO_URL"] = f"mqtt://127.0.0.1:{stack.enter_context(mosquitto())}"
        return _end_of(subprocess.Popen(["setpriv", "--pdeathsig=TERM", "--", *arguments[split + 1 :]]))


def _end_of(command: subprocess.Popen[bytes]) -> int:
    """Its exit code; when we are interrupted, it first gets the time to tidy up."""
    try:
        return command.wait()
    except KeyboardInterrupt:
        if not sys.stdin.isatty():  # a terminal's Ctrl-C has reached it already
            command.send_signal(signal.SIGINT)
        return command.wait(PATIENCE_S)
    finally:
        command.terminate()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # who starts us in the background has it ignored
    try:
        sys.exit(_main(sys.argv[1:]))
    except Unavailable as problem:
        sys.exit(f"servers: {problem}")
