# SPDX-License-Identifier: Apache-2.0
"""Which networks are measured: the public five where they are at hand, or one of the caller's own."""

from __future__ import annotations

import argparse
import os
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

DATA = Path(os.environ.get("SMARTCITY_TRAFFIC_DATA", Path(__file__).resolve().parents[3] / "shared/data/traffic"))
NAMES = ("cologne1", "cologne3", "ingolstadt1", "ingolstadt7", "grid4x4")
HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Case:
    """A network, its demand, and the span in simulated seconds."""

    name: str
    net: Path
    routes: tuple[Path, ...]
    begin: int
    end: int
    extra: tuple[Path, ...] = ()


def known(names: str, folder: Path = DATA) -> list[Case]:
    """Those of the public five that are there; all of them when none is named. Raises SystemExit for a wrong name."""
    wanted = [word for word in names.split(",") if word] or list(NAMES)
    if unknown := set(wanted) - set(NAMES):
        raise SystemExit(f"There is no network {sorted(unknown)[0]}; there are {', '.join(NAMES)}.")
    found = []
    for name in wanted:
        net, routes = folder / name / f"{name}.net.xml", folder / name / f"{name}.rou.xml.gz"
        if net.exists() and routes.exists():
            found.append(Case(name, net, (routes,), *_span(net)))
    return found


def own(asked: argparse.Namespace) -> list[Case]:
    """The caller's. Raises SystemExit when a file is missing."""
    if not asked.routes:
        raise SystemExit("--net needs --routes: the demand to drive on it.")
    for path in (asked.net, *asked.routes, *asked.additional):
        if not path.exists():
            raise SystemExit(f"There is no file {path}.")
    begin, end = _span(asked.net)
    begin = begin if asked.begin is None else asked.begin
    if asked.end is not None:
        end = asked.end
    elif end <= begin:
        end = begin + HOUR_S
    if end <= begin:
        raise SystemExit(f"--end {end} is not after --begin {begin}.")
    name = asked.net.name.split(".")[0]
    return [Case(name, asked.net.resolve(), _resolved(asked.routes), begin, end, _resolved(asked.additional))]


def _resolved(paths: Sequence[Path]) -> tuple[Path, ...]:
    return tuple(path.resolve() for path in paths)


def _span(net: Path) -> tuple[int, int]:
    """Begin and end of the configuration beside the network; the first hour where there is none."""
    config = net.with_name(net.name.split(".")[0] + ".sumocfg")
    if not config.exists():
        return 0, HOUR_S
    root = ET.parse(config).getroot()
    values = {item.tag: int(float(item.attrib["value"])) for item in root.iter() if item.tag in ("begin", "end")}
    begin = values.get("begin", 0)
    return begin, values.get("end", begin + HOUR_S)
