# SPDX-License-Identifier: Apache-2.0
"""The production profile on one machine, to try it or to work on it: PostgreSQL, Redis and Mosquitto on the loopback,
and every kind of process more than once. A city of its own is run by systemd (docs/how-to/run-in-production.md).

This process holds no database itself: it starts servers and processes, and starts again what ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from smartcity.children import Child
from smartcity.processes import servers
from smartcity.processes.part import Say
from smartcity.processes.servers import Server, Unavailable, free_port

Between = Callable[[], None]
LOOK_S: Final = 0.5
HINT: Final = "script/bootstrap --production"
WITH_A_BROKER: Final = """\
[broker]
address = "127.0.0.1:{port}"
username = "smartcity"
password_file = "{password}"
share = "smartcity"
drops_topic = "$SYS/broker/publish/messages/dropped"

[[source]]
format = "plain"
topic = "sc/{{device}}/up"
ack_topic = "sc/{{device}}/ack"
hello_topic = "sc/{{device}}/hello"
command_topic = "sc/{{device}}/cmd"
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many processes of `each` kind, and where browsers come to. `demo` simulates the street."""

    address: str = "127.0.0.1"
    port: int = 8000
    each: int = 2
    demo: bool = True
    prepare: Sequence[str] = ()


@contextlib.contextmanager
def standing(folder: Path, between: Between = lambda: None) -> Iterator[Mapping[str, str]]:
    """The three servers; the variables a process needs to find them. Raises servers.Unavailable.

    `between` is called when one more stands, and may raise: those that stand are stopped.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o711)
    with ExitStack() as stack:
        try:
            stack.enter_context(FileLock(folder / "lock", blocking=False))
        except Timeout:
            raise Unavailable(f"Another city runs in {folder.parent}: stop it first, or set SMARTCITY_VAR.") from None
        found: dict[str, str] = {}
        for name, server in (("postgresql", _postgresql), ("redis", _redis), ("mosquitto", _mosquitto)):
            found |= stack.enter_context(server(folder / name))
            between()
        yield found


@contextlib.contextmanager
def _postgresql(folder: Path) -> Iterator[Mapping[str, str]]:
    user, port = ("postgres", "postgres"), free_port()
    programs = servers.postgresql_programs(HINT)
    password, data = _password(folder, user), folder / "data"
    if not (data / "PG_VERSION").exists():
        command = [programs / "initdb", "-D", data, "-U", "smartcity", "-A", "scram-sha-256", "-E", "UTF8"]
        servers.once(folder, [*command, "--locale=C.UTF-8", f"--pwfile={folder / 'password'}"], user)
    settings = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": folder,
        "max_connections": 200,
        "shared_buffers": "128MB",
    }
    command = [programs / "postgres", "-D", data]
    command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    url = f"postgres://smartcity:{password}@127.0.0.1:{port}"
    ready = partial(servers.postgresql_answers, url)
    with _running(Server("PostgreSQL", command, folder, ready, signal.SIGINT, user)):
        servers.make_databases(url)
        yield {"DATABASE_URL": f"{url}/smartcity"}


@contextlib.contextmanager
def _redis(folder: Path) -> Iterator[Mapping[str, str]]:
    user, port = ("redis", "redis"), free_port()
    program, password = servers.program("redis-server", HINT), _password(folder, user)
    lines = [f"port {port}", "bind 127.0.0.1", 'save ""', f"dir {folder}", f"requirepass {password}", ""]
    _write(folder / "redis.conf", "\n".join(lines), user)
    with _running(Server("Redis", [program, folder / "redis.conf"], folder, partial(servers.listens, port), user=user)):
        yield {"REDIS_URL": f"redis://:{password}@127.0.0.1:{port}/0"}


@contextlib.contextmanager
def _mosquitto(folder: Path) -> Iterator[Mapping[str, str]]:
    """A broker behind which devices may stand as well, and the mapping by which the city hears them."""
    user, port = ("mosquitto", "mosquitto"), free_port()
    program, password = servers.program("mosquitto", HINT), _password(folder, user)
    accounts = folder / "accounts"
    _write(accounts, f"smartcity:{password}\n", user)
    servers.once(folder, [servers.program("mosquitto_passwd", HINT), "-U", accounts], user)
    lines = [
        f"listener {port} 127.0.0.1", "allow_anonymous false", f"password_file {accounts}", "persistence true",
        f"persistence_location {folder}/", "autosave_interval 1", "autosave_on_changes true", "",
    ]  # fmt: skip
    _write(folder / "mosquitto.conf", "\n".join(lines), user)
    mapping = folder.parent / "bridge.toml"
    mapping.write_text(WITH_A_BROKER.format(port=port, password=folder / "password"))
    command = [program, "-c", folder / "mosquitto.conf"]
    with _running(Server("Mosquitto", command, folder, partial(servers.listens, port), user=user)):
        yield {"SMARTCITY_BRIDGE": str(mapping)}


@contextlib.contextmanager
def _running(server: Server) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        server.stop()


def _password(folder: Path, user: tuple[str, str]) -> str:
    """Made once, readable by the server's own user and by root."""
    folder.mkdir(exist_ok=True, mode=0o700)
    servers.give_to(folder, user)
    path = folder / "password"
    if not path.exists():
        _write(path, secrets.token_hex(24), user)
    return path.read_text()


def _write(path: Path, text: str, user: tuple[str, str]) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    servers.give_to(path, user)


def prepare(plan: Plan, environment: Mapping[str, str], root: Path, between: Between = lambda: None) -> int:
    """`manage.py prepare` against these servers; its exit code. Where `between`, called often, raises, it is ended."""
    command = [sys.executable, "manage.py", "prepare", *(["--demo"] if plan.demo else []), *plan.prepare]
    process = subprocess.Popen(command, cwd=root, env=dict(environment))
    try:
        while process.poll() is None:
            between()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LOOK_S)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    between()
    return process.returncode


def children(plan: Plan, environment: Mapping[str, str], root: Path, street: Path) -> list[Child]:
    """Every process of the city, each supervised. Several of a kind share their ports but for `control`, whose port
    only tells how it is."""
    found = []
    intake = free_port()
    for number in range(1, plan.each + 1):
        own = {"SMARTCITY_BRIDGE_CLIENT_ID": f"smartcity-{number}"}
        command = ["manage.py", "runingest", "--share", "--port", str(intake)]
        found.append(Child(f"ingest {number}", command, {**environment, **own}, root))
    for number in range(1, plan.each + 1):
        command = ["manage.py", "runcontrol", "--port", str(free_port())]
        found.append(Child(f"control {number}", command, environment, root))
    for number in range(1, plan.each + 1):
        command = ["manage.py", "runweb", "--share", "--address", plan.address, "--port", str(plan.port)]
        found.append(Child(f"web {number}", command, environment, root))
    found.append(Child("forecasts", ["manage.py", "runforecasts"], environment, root))
    if plan.demo and street.exists():
        gate = environment.get("SMARTCITY_MQTT", "127.0.0.1:1883")
        doors = ["--mqtt", gate, "--http", f"http://127.0.0.1:{intake}"]
        command = ["-m", "smartcity.twin", "--street", str(street), *doors]
        found.append(Child("twin", command, environment, root))
    return found


async def supervise(processes: Sequence[Child], url: str, say: Say, between: Between = lambda: None) -> None:
    """Until a signal asks to stop; then all of them end, the street first and the ingesters last.

    `between` raises where a signal came before this was heeding them.
    """
    ending = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    between()
    tasks = [asyncio.create_task(child.run()) for child in processes]
    welcome = asyncio.create_task(_welcome(url, len(processes), say, ending))
    await ending.wait()
    say("Stopping: the street first, then who shows and decides, then the doors.")
    await welcome
    for task in reversed(tasks):
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _welcome(url: str, many: int, say: Say, ending: asyncio.Event) -> None:
    """Once a page can be seen."""
    while not await asyncio.to_thread(_is_ready, url):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ending.wait(), LOOK_S)
            return
    say(f"The city is running in {many} processes: {url}   Ctrl-C stops them all.")


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
