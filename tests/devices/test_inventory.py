# SPDX-License-Identifier: Apache-2.0
"""A city's own list, in any format and CRS: compared, imported, imported again, and broken."""

from __future__ import annotations

import json
import shutil
import subprocess
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from smartcity.api.models import AuditEntry
from smartcity.devices import inventory, mapping
from smartcity.devices.list_read import BadList
from smartcity.devices.models import Asset, CityImport, Device, EngineeringRecord, Zone

pytestmark = pytest.mark.django_db(transaction=True)
needs_ogr2ogr = pytest.mark.skipif(not shutil.which("ogr2ogr"), reason="gdal-bin is not installed")

TOML = """
source = "lamp register"
domain = "lighting"
kind = "luminaire"
prefix = "L"
external_id = "no"
name = "{street} {no}"
[fields]
power_w = "watt"
[engineering]
power_w = "watt"
normal_class = { column = "class", values = { main = "M3", side = "M5" }, default = "M4" }
lanes = 2
[device]
metrics = ["lighting.power_w"]
"""
LAMPS = [
    (24.9400, 60.1700, {"no": "12", "street": "Ring Street", "watt": 70, "class": "main"}),
    (24.9410, 60.1705, {"no": "13", "street": "Ring Street", "watt": 50.5, "class": ""}),
]


@pytest.fixture
def means(tmp_path):
    def make(more="", text=TOML):
        path = tmp_path / "map.toml"
        path.write_text(more + "\n" + text)
        return path

    return make


@pytest.fixture(autouse=True)
def var(settings, tmp_path):
    settings.VAR = tmp_path / "var"


def geojson(path, lamps=LAMPS):
    features = [
        {"type": "Feature", "geometry": x and {"type": "Point", "coordinates": [x, y]}, "properties": columns}
        for x, y, columns in lamps
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def csv(path, lamps=LAMPS, head="no,street,watt,class,x,y"):
    rows = [",".join(str(v) for v in [*columns.values(), x, y]) for x, y, columns in lamps]
    path.write_text("\n".join([head, *rows]))
    return path


def run(file, mapping_file, **options):
    out = StringIO()
    call_command("importassets", str(file), mapping=mapping_file, stdout=out, **options)
    return out.getvalue()


def at(external_id):
    lamp = Asset.objects.get(external_id=external_id)
    return pytest.approx((lamp.geom.x, lamp.geom.y), abs=2e-6)


@pytest.mark.both_engines
def test_a_list_becomes_assets_with_columns_engineering_data_and_devices(tmp_path, means):
    said = run(geojson(tmp_path / "lamps.geojson"), means())
    assert "2 added, 0 changed, 0 unchanged, 0 missing" in said
    lamp = Asset.objects.get(external_id="12")
    assert (lamp.uid, lamp.name, lamp.source) == ("L-001", "Ring Street 12", "lamp register")
    assert lamp.luminaire.power_w == 70 and not lamp.simulated and not lamp.estimated
    record = EngineeringRecord.objects.get(asset=lamp)
    assert record.data == {"power_w": 70, "normal_class": "M3", "lanes": 2} and record.signed_by == ""
    assert EngineeringRecord.objects.get(asset__external_id="13").data["normal_class"] == "M4"
    assert Device.objects.get(asset=lamp).secret_sha256 is None
    assert AuditEntry.objects.get().action == "list imported"


@needs_ogr2ogr
@pytest.mark.parametrize("suffix", ["gpkg", "shp", "geojson"])
@pytest.mark.parametrize("crs", ["EPSG:3879", "EPSG:4326", "EPSG:3067"])
def test_every_format_and_crs_lands_in_the_same_place(tmp_path, means, suffix, crs):
    made = tmp_path / f"lamps.{suffix}"
    convert = ["ogr2ogr", "-t_srs", crs, made, geojson(tmp_path / "plain.json"), "-nln", "lamps"]
    subprocess.run([*map(str, convert), *(["-lco", "RFC7946=NO"] if suffix == "geojson" else [])], check=True)
    run(made, means())
    assert at("12") == (24.94, 60.17) and at("13") == (24.941, 60.1705)


def test_a_table_with_coordinates_in_the_city_s_grid_lands_in_the_same_place(tmp_path, means):
    grid = [
        (25496669.19, 6673014.67, LAMPS[0][2]),
        (25496724.76, 6673070.32, LAMPS[1][2]),
    ]
    run(csv(tmp_path / "lamps.csv", grid), means('x = "x"\ny = "y"\ncrs = "EPSG:3879"'))
    lamp = Asset.objects.get(external_id="12")
    assert (lamp.geom.x, lamp.geom.y) == pytest.approx((24.94, 60.17), abs=1e-6)
    assert lamp.luminaire.power_w == 70.0
    assert EngineeringRecord.objects.get(asset=lamp).data["power_w"] == 70


def test_a_table_with_shapes_written_out_is_read(tmp_path, means):
    file = tmp_path / "lamps.csv"
    file.write_text('no,street,watt,class,shape\n12,Ring Street,70,main,"POINT (24.94 60.17)"')
    run(file, means('wkt = "shape"'))
    assert at("12") == (24.94, 60.17)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ({"type": "LineString", "coordinates": [[24.9, 60.1], [24.91, 60.1]]}, "LineString"),
        ({"type": "MultiLineString", "coordinates": [[[24.9, 60.1], [24.91, 60.1]]]}, "LineString"),
        ({"type": "Polygon", "coordinates": [[[24.9, 60.1], [24.91, 60.1], [24.91, 60.11], [24.9, 60.1]]]}, "Point"),
        ({"type": "MultiPoint", "coordinates": [[24.9, 60.1]]}, "Point"),
        ({"type": "Point", "coordinates": [24.9, 60.1, 12.0]}, "Point"),
    ],
)
def test_lines_stay_lines_and_areas_become_their_middle(tmp_path, means, shape, kind):
    feature = {"type": "Feature", "geometry": shape, "properties": LAMPS[0][2]}
    (tmp_path / "l.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    run(tmp_path / "l.geojson", means())
    assert Asset.objects.get().geom.geom_type == kind


def test_importing_again_changes_nothing(tmp_path, means):
    file = geojson(tmp_path / "l.geojson")
    run(file, means())
    assert "0 added, 0 changed, 2 unchanged, 0 missing" in run(file, means())
    assert Asset.objects.count() == Device.objects.count() == EngineeringRecord.objects.count() == 2


def changed_list(path):
    return geojson(path, [(24.95, 60.17, LAMPS[0][2] | {"watt": 80}), (24.9, 60.1, LAMPS[1][2] | {"no": "14"})])


def test_a_dry_run_shows_added_changed_and_missing_and_changes_nothing(tmp_path, means):
    run(geojson(tmp_path / "l.geojson"), means())
    said = run(changed_list(tmp_path / "m.geojson"), means(), dry_run=True)
    assert "added  (14)" in said and "changed L-001 (12) geom, power_w" in said and "missing L-002" in said
    assert "1 added, 1 changed, 0 unchanged, 1 missing" in said
    assert Asset.objects.count() == 2 and CityImport.objects.count() == 1


def test_what_the_list_has_no_more_is_marked_never_deleted(tmp_path, means):
    run(geojson(tmp_path / "l.geojson"), means())
    run(changed_list(tmp_path / "m.geojson"), means())
    assert Asset.objects.get(external_id="13").missing_since is not None
    lamp = Asset.objects.get(external_id="12")
    assert lamp.luminaire.power_w == 80 and lamp.geom.x == 24.95 and lamp.missing_since is None
    assert lamp.engineering.get(is_current=True).data["power_w"] == 80


def test_a_list_that_lacks_most_of_the_city_is_refused_unless_meant(tmp_path, means):
    run(geojson(tmp_path / "l.geojson"), means())
    other = geojson(tmp_path / "m.geojson", [(24.9, 60.1, LAMPS[0][2] | {"no": "99"})])
    with pytest.raises(CommandError, match="2 of the 2 assets"):
        run(other, means())
    assert not Asset.objects.exclude(missing_since=None).exists()
    assert "1 added, 0 changed, 0 unchanged, 2 missing" in run(other, means(), replace=True)


def mapped_lamp():
    zone = Zone.objects.create(code="centre", name="Centre")
    from django.contrib.gis.geos import Point

    return Asset.objects.create(
        uid="L-001",
        domain="lighting",
        kind="luminaire",
        geom=Point(24.9, 60.1, srid=4326),
        zone=zone,
        source="osm",
        external_id="osm:n1",
    )


def test_the_city_s_own_list_replaces_what_the_map_has(tmp_path, means):
    mapped_lamp()
    assert "1 replaced" in run(geojson(tmp_path / "l.geojson"), means('replaces = ["osm"]'))
    assert Asset.objects.get(uid="L-001").missing_since is not None
    assert inventory.settled("osm") == {("lighting", "luminaire")}
    assert Asset.objects.filter(missing_since=None).count() == 2


def test_without_saying_so_a_list_stands_beside_the_map(tmp_path, means):
    mapped_lamp()
    run(geojson(tmp_path / "l.geojson"), means())
    assert Asset.objects.filter(missing_since=None).count() == 3 and inventory.settled("osm") == set()


def test_a_row_may_name_a_parent_of_an_earlier_list_or_by_uid(tmp_path, means):
    streets = TOML.replace("luminaire", "lighting_segment").replace('"L"', '"S"').partition("[fields]")[0]
    run(geojson(tmp_path / "s.geojson", [(24.9, 60.1, LAMPS[0][2] | {"no": "S 7"})]), means(text=streets))
    lamps = [(x, y, columns | {"of": of}) for (x, y, columns), of in zip(LAMPS, ("S 7", "S-001"), strict=True)]
    run(geojson(tmp_path / "l.geojson", lamps), means('parent = "of"'))
    assert list(Asset.objects.filter(kind="luminaire").values_list("parent__uid", flat=True)) == ["S-001", "S-001"]


BAD_ROWS = {
    "has no place": (None, 0, LAMPS[0][2]),
    "has no no": (24.9, 60.1, LAMPS[0][2] | {"no": ""}),
    "power_w": (24.9, 60.1, LAMPS[0][2] | {"watt": "bright"}),
    "class is 'alley', for which": (24.9, 60.1, LAMPS[0][2] | {"class": "alley"}),
}


@pytest.mark.parametrize("words", BAD_ROWS)
def test_a_bad_row_is_named_and_nothing_is_changed(tmp_path, means, words):
    file = geojson(tmp_path / "l.geojson", [LAMPS[1], BAD_ROWS[words]])
    with pytest.raises(CommandError, match=f"row 2: .*{words}"):
        run(file, means())
    assert not Asset.objects.exists() and not CityImport.objects.exists()


def test_a_row_left_out_does_not_make_its_asset_missing(tmp_path, means):
    run(geojson(tmp_path / "l.geojson"), means())
    file = geojson(tmp_path / "m.geojson", [LAMPS[0], (24.9, 60.1, LAMPS[1][2] | {"watt": "bright"})])
    said = run(file, means(), skip=True)
    assert "left out: row 2" in said and "0 missing, 0 replaced, 1 skipped" in said
    assert Asset.objects.get(external_id="13").missing_since is None


def test_a_number_given_twice_is_named(tmp_path, means):
    with pytest.raises(CommandError, match="row 3: 12 stands in the list twice"):
        run(geojson(tmp_path / "l.geojson", [*LAMPS, LAMPS[0]]), means())


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("l.geojson", b"", "cannot be read"),
        ("l.geojson", b"Dear city", "cannot be read"),
        ("l.geojson", b'{"type": "FeatureCollection", "features": []}', "has no column|no usable row"),
        ("l.csv", b"no,street\n1,x", "has no column class, watt"),
        ("l.gpkg", b"SQLite format 3\x00" + b"\x00" * 200, "cannot be read"),
    ],
)
def test_a_broken_list_gets_one_sentence_and_changes_nothing(tmp_path, means, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CommandError, match=words) as caught:
        run(tmp_path / name, means())
    assert "\n" not in str(caught.value) and not Asset.objects.exists()


def test_a_list_in_the_wrong_crs_is_noticed(tmp_path, means):
    CityImport.objects.create(source="t.osm", is_current=True, summary={"bounds": [24.9, 60.1, 25.0, 60.2]})
    swapped = [(y, x, columns) for x, y, columns in LAMPS]
    with pytest.raises(CommandError, match="km from the city"):
        run(geojson(tmp_path / "l.geojson", swapped), means())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("source = [", "not a TOML file"),
        ("source = 'x'", "it lacks domain, kind, prefix, external_id"),
        (TOML + "\ncolour = 'red'", "device must have"),
        ("colour = 'red'\n" + TOML, "colour, which means nothing"),
        ("x = 'e'\n" + TOML, "name both"),
        ("crs = 3879\n" + TOML, "crs must be text"),
        (TOML.replace('"watt"\n[eng', "{ factor = 2 }\n[eng"), "power_w must be a column"),
    ],
)
def test_a_mapping_with_a_mistake_is_refused_in_words(tmp_path, text, words):
    (tmp_path / "map.toml").write_text(text)
    with pytest.raises(mapping.BadMapping, match=words):
        mapping.read(tmp_path / "map.toml")


def test_a_kind_no_domain_has_is_refused(tmp_path, means):
    with pytest.raises(CommandError, match="no model Lantern"):
        run(geojson(tmp_path / "l.geojson"), means(text=TOML.replace("luminaire", "lantern")))


def test_a_layer_that_is_not_there_is_named(tmp_path, means):
    with pytest.raises(BadList, match="has no layer 'poles'; it has l"):
        inventory.compare(str(geojson(tmp_path / "l.geojson")), mapping.read(means('layer = "poles"')))
