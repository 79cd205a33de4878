# SPDX-License-Identifier: Apache-2.0
"""python -m smartcity.basemap FILE.osm.pbf OUT.pmtiles"""

from __future__ import annotations

import sys
from pathlib import Path

from smartcity.basemap.draw import draw


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    try:
        count = draw(Path(arguments[0]), Path(arguments[1]))
    except (OSError, RuntimeError, ValueError) as error:  # GDAL's and pyosmium's errors are RuntimeErrors
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{count} features\n")
    return 0


sys.exit(main(sys.argv[1:]))
