# SPDX-License-Identifier: Apache-2.0
"""The base map as its process leaves it; GDAL is never loaded into the process of the tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings

HELSINKI = Path(settings.ROOT) / "var" / "Helsinki.osm.pbf"
KREMS = Path(__file__).resolve().parents[3] / "shared/data/waste/krems/krems.osm.gz"
LOOK = """
import json, sys, pyogrio
meta, _, shapes, columns = pyogrio.raw.read(sys.argv[1])
names = [str(name) for name in meta["fields"]]
rows = [dict(zip(names, (str(value) for value in row))) for row in zip(*columns)]
json.dump({"layers": [str(name) for name, _ in pyogrio.list_layers(sys.argv[1])], "rows": rows}, sys.stdout)
"""


def drawn(source, target):
    return subprocess.run(
        [sys.executable, "-m", "smartcity.basemap", str(source), str(target)],
        cwd=settings.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def look(path):
    done = subprocess.run([sys.executable, "-c", LOOK, str(path)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.skipif(not HELSINKI.exists(), reason="script/bootstrap --demo fetches the demo map")
def test_helsinki_has_every_layer_the_page_draws_in_less_than_a_megabyte(tmp_path):
    path = tmp_path / "city.pmtiles"
    assert drawn(HELSINKI, path).returncode == 0
    assert path.read_bytes()[:7] == b"PMTiles" and path.stat().st_size < 1_000_000
    found = look(path)
    assert found["layers"] == ["city"]
    layers = Counter(row["layer"] for row in found["rows"])
    assert set(layers) == {"land", "water", "park", "pier", "building", "rail", "tram", "road", "place"}
    assert layers["building"] > 400 and layers["road"] > 1000
    assert any(row["name"] == "Mannerheimintie" for row in found["rows"])
    assert [entry.name for entry in tmp_path.iterdir()] == ["city.pmtiles"]


@pytest.mark.skipif(not KREMS.exists(), reason="the second town's extract is not on this machine")
def test_a_packed_extract_of_a_second_town_is_drawn_the_same_way(tmp_path):
    path = tmp_path / "city.pmtiles"
    assert drawn(KREMS, path).returncode == 0
    assert {"land", "water", "building", "road"} <= {row["layer"] for row in look(path)["rows"]}


def test_a_broken_file_leaves_the_map_that_stands(tmp_path):
    broken, path = tmp_path / "broken.osm.pbf", tmp_path / "city.pmtiles"
    broken.write_bytes(b"nothing of the kind")
    path.write_bytes(b"the map that stands")
    done = drawn(broken, path)
    assert done.returncode == 1 and done.stderr.strip() and "Traceback" not in done.stderr
    assert path.read_bytes() == b"the map that stands"
