# SPDX-License-Identifier: Apache-2.0
"""The same street once more on its fixed plans, in a process beside: the baseline the adaptive plan is measured by.

A simulator holds one street per process, hence the child. It hears once a minute how much traffic there was, lives
that minute with the same seed, the same vehicles and the same faults, and answers with the measures of each junction.
It ends with its parent: when its input ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from smartcity.kernel.street import StreetDevice
from traffic.street import faults
from traffic.street.junctions import Street, lay_out

ROOT = Path(__file__).resolve().parents[2]
Measures = Mapping[str, Mapping[str, float]]


class Beside:
    """The parent's end. `measures` holds what the child said last, by intersection."""

    def __init__(self, map_file: str, folder: str, devices: Sequence[StreetDevice], seed: int) -> None:
        self.measures: Measures = {}
        self._rest = b""
        self._child = subprocess.Popen(
            [sys.executable, "-m", "traffic.street", "beside"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        os.set_blocking(self._out.fileno(), False)
        plain = [asdict(device) | {"secret": ""} for device in devices]
        self._tell({"map": map_file, "folder": folder, "devices": plain, "seed": seed})

    @property
    def _out(self) -> IO[bytes]:
        assert self._child.stdout is not None
        return self._child.stdout

    def begin(self, now: int, warm_up_s: int, share: float) -> None:
        self._tell({"do": "begin", "now": now, "warm_up_s": warm_up_s, "share": share})

    def live_until(self, now: int, share: float) -> None:
        self._tell({"do": "live", "now": now, "share": share})

    def go_on_at(self, now: int) -> None:
        self._tell({"do": "jump", "now": now})

    def listen(self) -> None:
        """Take in what the child has said; never waits."""
        try:
            self._rest += os.read(self._out.fileno(), 1 << 20)
        except BlockingIOError:
            return
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            if line.startswith(b"{"):
                self.measures = json.loads(line)

    def _tell(self, message: Mapping[str, Any]) -> None:
        """A child that has died is a baseline that is missing, not a street that stands still."""
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps(message).encode() + b"\n")
            self._child.stdin.flush()
        except (BrokenPipeError, ValueError):
            self.measures = {}

    def close(self) -> None:
        assert self._child.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.close()
        try:
            self._child.wait(5)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._out.close()


def live(messages: Iterable[str], out: IO[str]) -> None:
    """The child: one line in, after each lived minute one line out."""
    lines = iter(messages)
    told = json.loads(next(lines))
    devices = [StreetDevice(**device) for device in told["devices"]]
    street = Street(lay_out(Path(told["map"]), Path(told["folder"]), devices, told["seed"]), told["seed"], 0)
    broken = faults.Plan(sorted(street.cabinets), told["seed"])
    for line in lines:
        message = json.loads(line)
        if message["do"] == "begin":
            street.begin(message["now"], message["warm_up_s"], message["share"])
        elif message["do"] == "jump":
            street.go_on_at(message["now"])
        else:
            _live_until(street, broken, message["now"], message["share"])
            print(json.dumps({uid: street.measures(uid) for uid in street.cabinets}), file=out, flush=True)


def _live_until(street: Street, broken: faults.Plan, now: int, share: float) -> None:
    while street.now < now:
        broken.strike(street.cabinets, street.now)
        street.step(share)
        if street.now % 60 == 0:
            street.close_minute()
