# SPDX-License-Identifier: Apache-2.0
"""The demo town's traffic devices as the importer would write them down, and SUMO in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAP = ROOT / "var" / "Helsinki.osm.pbf"
needs_map = pytest.mark.skipif(not MAP.exists(), reason="the demo map is not there: script/bootstrap --demo")


@cache
def devices() -> list[dict[str, Any]]:
    from smartcity.devices import osm_read
    from traffic import osm

    uids: dict[str, str] = {}
    found: list[dict[str, Any]] = []
    for number, draft in enumerate(osm.draft(osm_read.read(MAP), True), start=1):
        uids[draft.external_id] = f"{draft.prefix}-{number:03d}"
        lon, lat = draft.points[len(draft.points) // 2]
        assert draft.device is not None
        found.append(
            {
                "uid": uids[draft.external_id],
                "secret": "",
                "domain": "traffic",
                "kind": draft.kind,
                "codec": draft.device.codec,
                "lon": lon,
                "lat": lat,
                "name": draft.name,
                "parent": uids.get(draft.parent, ""),
                "metrics": list(draft.device.metrics),
                "engineering": dict(draft.engineering),
                "twin": {**draft.device.twin, "zone": "Europe/Helsinki"},
            }
        )
    return found


def python(code: str, folder: Path) -> Any:
    """Runs code that may load SUMO; `told` holds devices, map and folder; the last line printed is JSON."""
    told = {"devices": devices(), "map": str(MAP), "folder": str(folder)}
    begin = (
        "import json, sys\nfrom pathlib import Path\nfrom smartcity.kernel.street import StreetDevice\n"
        "told = json.load(sys.stdin)\ndevices = [StreetDevice(**d) for d in told['devices']]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", begin + code],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])
