# SPDX-License-Identifier: Apache-2.0
"""`python -m traffic.street beside|calibrate|compare`: simulations the city does not run in its own process.

Each reads JSON from its input and writes JSON on the last line of its output: libraries print warnings before it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from smartcity.kernel.street import StreetDevice
from traffic.street import beside, calibrate


def main(arguments: list[str]) -> int:
    match arguments:
        case ["beside"]:
            beside.live(sys.stdin, sys.stdout)
        case ["calibrate"]:
            told = json.load(sys.stdin)
            devices = [StreetDevice(**device) for device in told["devices"]]
            lengths = {name: told[name] for name in ("settle_s", "measure_s")}
            found = calibrate.measure(Path(told["map"]), Path(told["folder"]), devices, **lengths)
            print("\n" + json.dumps({uid: asdict(curves) for uid, curves in found.items()}))
        case ["compare"]:
            from traffic import compare

            told = json.load(sys.stdin)
            devices = [StreetDevice(**device) for device in told["devices"]]
            print("\n" + json.dumps(compare.run(Path(told["map"]), Path(told["folder"]), devices, told)))
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
