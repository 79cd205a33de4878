# SPDX-License-Identifier: Apache-2.0
"""The processes that are killed, stopped and starved: a real city on fixed ports, and disks that are small."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import city as cities
from tests.migrated import give_tables
from tests.servers import free_port

TICK = os.sysconf("SC_CLK_TCK")


class Skipped(Exception):
    """The scenario cannot run on this machine; the message says in a sentence why."""


@dataclass(slots=True)
class Victim:
    """`manage.py runcity --empty` on the same ports whenever it is started; its children are its own affair. `more` are
    further variables of its environment."""

    var: Path
    database_url: str = ""
    coap_port: int = 0
    ports: tuple[int, int] = field(default_factory=lambda: (free_port(), free_port()))
    cpu_s: float = 0.0
    password: str = ""
    more: Mapping[str, str] = field(default_factory=dict)
    running: cities.City = field(init=False)

    @property
    def environment(self) -> dict[str, str]:
        """Bytecode is kept, as an installation keeps it: a start without costs twice as much."""
        given = {name: value for name, value in os.environ.items() if not name.startswith("SMARTCITY_")}
        return given | {"SMARTCITY_VAR": str(self.var), "DJANGO_SETTINGS_MODULE": "smartcity.settings"} | self._own

    @property
    def _own(self) -> dict[str, str]:
        numeric = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        coap = {"SMARTCITY_COAP": f"127.0.0.1:{self.coap_port}"} if self.coap_port else {}
        named = {"PYTHONDONTWRITEBYTECODE": "", "DATABASE_URL": self.database_url}
        return numeric | coap | named | dict(self.more)

    def start(self, *, wait: bool = True) -> None:
        self.running = cities.start("--empty", var=self.var, ports=self.ports, **self._own)
        if wait:
            cities.wait_until_it_answers(self.running)

    def kill(self) -> None:
        """kill -9 of the one process; what it had not committed is gone, and nothing of it is asked."""
        self.cpu_s += self.used_cpu_s
        self.running.process.kill()
        self.running.process.wait()

    def stop(self) -> None:
        """As an operator would; what is on the road is carried to its end."""
        if self.running.process.poll() is None:
            self.cpu_s += self.used_cpu_s
        self.running.stop(within_s=60)

    def provision(self, devices: int, behind_gateway: int = 0) -> None:
        """Before the first start, which then finds all it needs."""
        if not self.database_url:
            give_tables(self.var)
        command = [sys.executable, "-m", "benchmarks.chaos.provision", str(devices), str(behind_gateway)]
        done = subprocess.run(
            command, env=self.environment, cwd=cities.ROOT, check=True, stdout=subprocess.PIPE, text=True
        )
        self.password = done.stdout.partition("password")[2].split()[0]

    @property
    def used_cpu_s(self) -> float:
        """CPU-seconds of this start of it, children aside."""
        fields = Path(f"/proc/{self.running.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    @property
    def memory_mb(self) -> float:
        """Resident memory now."""
        pages = int(Path(f"/proc/{self.running.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def health(self) -> Mapping[str, Any]:
        """What the city says of itself to its administrator."""
        with self.running.sign_in("admin", self.password) as browser:
            told: dict[str, Any] = browser.get("/api/v1/health").raise_for_status().json()
            return told


@contextlib.contextmanager
def victim(
    var: Path,
    *,
    devices: int,
    behind_gateway: int = 0,
    database_url: str = "",
    coap: bool = False,
    more: Mapping[str, str] | None = None,
) -> Iterator[Victim]:
    """Running, with so many devices set up; stopped at the end if it still runs."""
    city = Victim(var, database_url, free_port() if coap else 0, more=more or {})
    city.provision(devices, behind_gateway)
    city.start()
    try:
        yield city
    finally:
        city.running.stop(within_s=60)


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own in memory. Raises Skipped for who may not mount."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        raise Skipped("a small disk is mounted by root only")
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Skipped(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        _unmount(folder)


def _unmount(folder: Path) -> None:
    for _ in range(50):
        if subprocess.run(["umount", str(folder)], capture_output=True).returncode == 0:
            return
        time.sleep(0.2)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def full(folder: Path) -> Iterator[None]:
    """Not a byte is left on the disk of this folder meanwhile."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(2**16)):
            pass
    try:
        yield
    finally:
        ballast.unlink()
