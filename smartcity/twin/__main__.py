# SPDX-License-Identifier: Apache-2.0
"""The street as a process of its own: simulated devices that use the city's front doors like any other. No Django."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import stat
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import uvloop

from smartcity.twin import street as streets
from smartcity.twin.domain import has_twin
from smartcity.twin.fleet import allow_many_sockets
from smartcity.twin.player import Player
from smartcity.twin.street import BadStreet, Street


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    logging.basicConfig(level=os.environ.get("SMARTCITY_LOG", "WARNING"), format="%(asctime)s twin: %(message)s")
    try:
        street = streets.read(options.street)
    except BadStreet as error:
        print(error, file=sys.stderr)
        return 1
    unknown = sorted(set(options.only) - {device.domain for device in street.devices})
    if unknown:
        print(f"The street has no devices of {', '.join(unknown)}; --list shows what it has.", file=sys.stderr)
        return 1
    if options.list:
        print(table(street))
        return 0
    files = allow_many_sockets()
    if files < len(street.devices) + 100:
        print(f"Only {files:,} files may be open, too few for {len(street.devices):,} devices: raise ulimit -n.")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(play(street, options.only, options.mqtt, options.http))
    return 0


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="python -m smartcity.twin", description=__doc__)
    found.add_argument("--street", type=Path, default=Path("var/street.json"), help="written by importcity --demo")
    found.add_argument("--only", nargs="+", default=[], metavar="DOMAIN", help="simulate these domains only")
    found.add_argument("--list", action="store_true", help="show what would be simulated, and end")
    found.add_argument("--mqtt", default="", metavar="HOST:PORT", help="the device gateway, if not the street's own")
    found.add_argument("--http", default="", metavar="URL", help="the city, if not the street's own")
    return found


def table(street: Street) -> str:
    """What there is, by domain, kind and codec."""
    counted = Counter((d.domain, d.kind, d.codec) for d in street.devices)
    rows = [f"{street.city}: {len(street.devices):,} devices, seed {street.seed}"]
    for (domain, kind, codec), n in sorted(counted.items()):
        note = "" if has_twin(domain) else "  no room 'twin': stays silent"
        rows.append(f"  {domain:<12}{kind:<24}{codec:<20}{n:>7,}{note}")
    return "\n".join(rows)


async def play(street: Street, only: Sequence[str], mqtt: str, http: str) -> None:
    """Until a signal, or until whoever started this process is gone."""
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    if is_held():
        loop.add_reader(0, listen, over)
    player = Player(street, only=only, mqtt=mqtt, http=http)
    run = asyncio.create_task(player.run())
    ended = asyncio.create_task(over.wait())
    await asyncio.wait((run, ended), return_when=asyncio.FIRST_COMPLETED)
    if run.done():
        run.result()
    run.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await run
    await player.close()


def listen(over: asyncio.Event) -> None:
    if not os.read(0, 4096):
        asyncio.get_running_loop().remove_reader(0)
        over.set()


def is_held() -> bool:
    """Whether standard input is a line to a parent, whose end means that this process ends too."""
    with contextlib.suppress(OSError):
        mode = os.fstat(0).st_mode
        return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
    return False


if __name__ == "__main__":
    sys.exit(main())
