# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL, Redis and Mosquitto for the length of a test: on a free port, in a temporary folder, gone afterwards.

Each server runs in the foreground as our child, without root's rights, and is told by the kernel when we die, so
that neither an exception nor Ctrl-C nor kill -9 leaves one running. From a shell:

    python -m tests.servers postgis redis -- COMMAND...

runs COMMAND with DATABASE_URL and REDIS_URL (and MOSQUITTO_URL) set and ends with its exit code. `tables` is a postgis
that has the city's tables, which the tests then copy instead of migrating.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from smartcity.processes.servers import (
    PATIENCE_S,
    Server,
    Unavailable,
    descendants,
    free_port,
    give_to,
    listens,
    make_databases,
    once,
    postgresql_answers,
    postgresql_programs,
    program,
)
from tests import migrated

__all__ = [
    "Server", "Unavailable", "broker", "city_tables", "descendants", "free_port", "listens", "mosquitto", "postgis",
    "redis",
]  # fmt: skip
NOBODY = ("nobody", "nogroup")


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
    with _folder(under) as folder:
        _new_data(folder, durable)
        with _postgres(folder, durable=durable) as (url, server):
            make_databases(url)
            yield f"{url}/smartcity", server


@contextlib.contextmanager
def city_tables() -> Iterator[str]:
    """A PostgreSQL whose three databases hold the city's tables and nothing in them; yields its DATABASE_URL."""
    kept = migrated.once(f"postgresql-{postgresql_programs().parent.name}", _keep_tables)
    with _folder() as folder:
        _copy_data(kept, folder)
        with _postgres(folder) as (url, _):
            yield f"{url}/smartcity"


def _keep_tables(kept: Path) -> None:
    """Somewhere the server's user may enter, then copied to where he need not."""
    with _folder() as folder:
        _new_data(folder)
        with _postgres(folder) as (url, server):
            make_databases(url)
            migrated.migrate(folder, f"{url}/smartcity")
            server.stop()
            _copy_data(folder, kept)


def _copy_data(one: Path, other: Path) -> None:
    subprocess.run(["cp", "-a", one / "data", one / "password", other], check=True)


def _new_data(folder: Path, durable: bool = False) -> None:
    (folder / "password").write_text(secrets.token_hex(16))
    initdb = [postgresql_programs() / "initdb", "-D", folder / "data", "-U", "city", "-A", "scram-sha-256"]
    initdb += ["-E", "UTF8", "--locale=C.UTF-8", f"--pwfile={folder / 'password'}"]
    once(folder, initdb + ([] if durable else ["--no-sync"]))


@contextlib.contextmanager
def _postgres(folder: Path, *, durable: bool = False) -> Iterator[tuple[str, Server]]:
    """The server on the data that lie in the folder; its address without a database's name."""
    port, data = free_port(), folder / "data"
    settings = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": folder,
        "max_connections": 100,
        "fsync": "on" if durable else "off",
        "shared_buffers": "128MB",
        "max_wal_size": "2GB",
    }
    command = [postgresql_programs() / "postgres", "-D", data]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    url = f"postgres://city:{(folder / 'password').read_text()}@127.0.0.1:{port}"
    with _running("PostgreSQL", command, folder, ready=lambda: postgresql_answers(url), stop=signal.SIGINT) as server:
        yield url, server


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """A Redis that keeps nothing; yields its REDIS_URL."""
    with redis_server() as (_, url):
        yield url


@contextlib.contextmanager
def redis_server() -> Iterator[tuple[Server, str]]:
    """The same with the server itself, which may be stopped and started."""
    port = free_port()
    with _folder() as folder:
        command = [program("redis-server"), "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        with _running("Redis", command, folder, ready=lambda: listens(port)) as server:
            yield server, f"redis://127.0.0.1:{port}/0"


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
        command = [program("mosquitto"), "-c", folder / "mosquitto.conf"]
        with _running("Mosquitto", command, folder, ready=lambda: listens(port)) as server:
            yield port, server


@contextlib.contextmanager
def _folder(under: Path | None = None) -> Iterator[Path]:
    """A temporary folder that belongs to whoever the server will run as."""
    folder = Path(tempfile.mkdtemp(prefix="smartcity-", dir=under))
    try:
        give_to(folder, NOBODY)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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


def _main(arguments: list[str]) -> int:
    split = arguments.index("--")
    with contextlib.ExitStack() as stack:
        for name in arguments[:split]:
            if name == "postgis":
                os.environ["DATABASE_URL"] = stack.enter_context(postgis())
            elif name == "tables":
                os.environ["DATABASE_URL"] = os.environ[migrated.TEMPLATE] = stack.enter_context(city_tables())
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
