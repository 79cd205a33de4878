# SPDX-License-Identifier: Apache-2.0
"""A second town: Krems an der Donau, as a file like the one a person would bring. Not part of a checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

EXTRACT = Path(__file__).resolve().parents[2] / "shared/data/waste/krems/krems.osm.gz"
needs_krems = pytest.mark.skipif(not EXTRACT.exists(), reason=f"no second town here: {EXTRACT.name} is not in shared/")


def as_pbf(folder: Path) -> Path:
    """The extract as `krems.osm.pbf` in the folder."""
    import osmium

    path = folder / "krems.osm.pbf"
    with osmium.SimpleWriter(str(path)) as writer:
        for item in osmium.FileProcessor(str(EXTRACT)):
            writer.add(item)
    return path
