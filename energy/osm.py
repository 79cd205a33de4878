# SPDX-License-Identifier: Apache-2.0
"""Energy on the map: the city's own places are known, everything electrical about them is estimated (demo only).

Stated rules. Connection points are the city's own: public buildings and depots by their tags (buildings.py), and a
cabinet for the street lamps of each square of 350 m (cabinets.py); a works yard is made up where no depot is mapped.
Load from floor area at 35 W/m2 (office), 45 (retail), 25 (school, culture), 40 (hospital), 30 (sports), 20 (depot),
18 (housing); of a cabinet, the lamps'. All buildings load the transformers, one for at least 8 of them and at most 40
in all, and a feeder per 5 transformers, each rated for a cold winter's day (1.3 x the peaks below). Contracted capacity
1.35 x the peak with chargers, where there is something to steer 1.1 x, so that managing it pays. PV on every second
place, a battery on every third, two to four chargers on every third and four at each depot.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from energy.buildings import Building, Place, middle, places, roofs
from energy.cabinets import cabinets
from energy.tariffs import usual
from smartcity.kernel.imports import AssetDraft, DeviceDraft, LonLat, Town

W_PER_M2 = {
    "office": 35.0, "retail": 45.0, "school": 25.0, "culture": 25.0, "hospital": 40.0, "sports": 30.0, "depot": 20.0,
    "housing": 18.0,
}  # fmt: skip
MOST_PLACES, MOST_CABINETS, MOST_LOADS = 120, 60, 1200
PER_TRANSFORMER, MOST_TRANSFORMERS, PER_FEEDER = 8, 40, 5
WINTER, CONTRACT, MANAGED = 1.3, 1.35, 1.1
CHARGER_KW, AT_ONCE = 22.0, 0.6
WORKS_YARD_M2 = 3000.0
RATINGS = (100, 160, 250, 400, 630, 800, 1000, 1250, 1600, 2000, 2500, 3150, 4000, 6300, 8000, 10000, 12500, 16000)


@dataclass(frozen=True, slots=True)
class Load:
    """What hangs on a transformer: a connection point of the city's, or (without a `name`) somebody else's building."""

    key: str
    centre: LonLat
    peak_kw: float
    use: str
    name: str = ""
    chargers: int = 0
    has_pv: bool = False
    has_battery: bool = False

    @property
    def contracted_kw(self) -> float:
        share = MANAGED if self.chargers or self.has_battery else CONTRACT
        return round(share * (self.peak_kw + AT_ONCE * CHARGER_KW * self.chargers), 1)


def draft(town: Town, demo: bool) -> list[AssetDraft]:
    """Nothing without `demo`: no map knows feeders, meters and contracts. A city imports its own inventory."""
    if not demo:
        return []
    loads = _loads(town)
    groups = _neighbours(loads, max(PER_TRANSFORMER, -(-len(loads) // MOST_TRANSFORMERS)))
    found: list[AssetDraft] = []
    for number, group in enumerate(groups):
        feeder = f"estimate:feeder:{number // PER_FEEDER}"
        if number % PER_FEEDER == 0:
            found.append(_feeder(feeder, number // PER_FEEDER, groups[number : number + PER_FEEDER]))
        transformer = f"estimate:transformer:{number}"
        found.append(_transformer(transformer, feeder, number, group))
        for load in group:
            found += _site(load, transformer) if load.name else []
    return found


def _loads(town: Town) -> list[Load]:
    """The city's own places and cabinets, and the largest of the other buildings."""
    mapped = roofs(town)
    own, taken = places(town, mapped)
    depots = [place for place in own if place.use == "depot"]
    yard = [] if depots else [_works_yard(town)]
    found = [_of_place(place, rank) for rank, place in enumerate([*yard, *own][:MOST_PLACES])]
    found += [Load(one.key, one.point, one.peak_kw, "lighting", one.name) for one in cabinets(town, MOST_CABINETS)]
    others = sorted((roof for roof in mapped if roof.way not in taken), key=lambda roof: (-roof.floor_m2, roof.way))
    return found + [_of_building(roof) for roof in others[:MOST_LOADS]]


def _works_yard(town: Town) -> Place:
    west, south, east, north = town.bounds
    return Place("estimate:depot", "Works yard", ((west + east) / 2, (south + north) / 2), WORKS_YARD_M2, "depot")


def _of_place(place: Place, rank: int) -> Load:
    is_depot = place.use == "depot"
    return Load(
        key=f"{place.key}:energy",
        centre=place.centre,
        peak_kw=_peak_kw(place.floor_m2, place.use),
        use=place.use,
        name=place.name,
        chargers=4 if is_depot else 2 + rank % 3 if rank % 3 == 2 else 0,
        has_pv=rank % 2 == 1,
        has_battery=rank % 3 == 0,
    )


def _of_building(roof: Building) -> Load:
    return Load(f"osm:w{roof.way}", roof.centre, _peak_kw(roof.floor_m2, roof.use), roof.use)


def _peak_kw(floor_m2: float, use: str) -> float:
    return round(max(8.0, floor_m2 * W_PER_M2[use] / 1000 * 0.6), 1)


def _neighbours(loads: Sequence[Load], size: int) -> list[list[Load]]:
    """Groups of near loads: strips of longitude, each cut by latitude. O(n log n)."""
    by_lon = sorted(loads, key=lambda load: (load.centre, load.key))
    strip = max(size, round((len(loads) * size) ** 0.5))
    strips = [sorted(by_lon[i : i + strip], key=lambda load: load.centre[1]) for i in range(0, len(by_lon), strip)]
    return [part[i : i + size] for part in strips for i in range(0, len(part), size)]


def _rating(peaks_kw: float) -> float:
    return float(next((rating for rating in RATINGS if rating >= WINTER * peaks_kw), RATINGS[-1]))


def _middle(group: Sequence[Load]) -> LonLat:
    return middle([load.centre for load in group])


def _feeder(key: str, number: int, groups: Sequence[Sequence[Load]]) -> AssetDraft:
    loads = [load for group in groups for load in group]
    fields = {"rated_kva": _rating(sum(load.peak_kw for load in loads))}
    return _asset(
        "feeder",
        "F",
        key,
        f"Feeder {number + 1}",
        _middle(loads),
        "",
        fields,
        ("feeder_kw", "loading"),
    )


def _transformer(key: str, feeder: str, number: int, group: Sequence[Load]) -> AssetDraft:
    """What others draw below it has no meter of the city's: the twin knows their peaks by use."""
    others: dict[str, float] = defaultdict(float)
    for load in group:
        if not load.name:
            others[load.use] += load.peak_kw
    rated = _rating(sum(load.peak_kw for load in group))
    name = f"Transformer {number + 1}"
    hints = {"others": {use: round(peak, 1) for use, peak in sorted(others.items())}}
    fields, metrics = {"rated_kva": rated}, ("feeder_kw", "loading")
    return _asset("transformer", "T", key, name, _middle(group), feeder, fields, metrics, hints)


def _site(load: Load, transformer: str) -> list[AssetDraft]:
    key, name, at = load.key, load.name, load.centre
    fields = {"use": load.use, "peak_kw": load.peak_kw, "contracted_kw": load.contracted_kw}
    site = [_asset("connection_point", "Q", key, name, at, transformer, fields, ("import_kw", "load_kw"))]
    if load.has_pv:
        fields, metrics = {"peak_kw": round(min(0.25 * load.peak_kw + 10, 120.0), 1)}, ("generation_kw",)
        site.append(_asset("pv_plant", "V", f"{key}:pv", f"PV {name}", _near(at, 1), key, fields, metrics))
    if load.has_battery:
        power = round(max(20.0, 0.3 * load.peak_kw), 0)
        fields = {"capacity_kwh": 2.5 * power, "power_kw": power}
        battery = f"{key}:battery"
        site.append(
            _asset("battery", "B", battery, f"Battery {name}", _near(at, 2), key, fields, ("battery_kw", "soc"))
        )
    for number in range(load.chargers):
        name_of, fields = f"Charging point {number + 1} {name}", {"power_kw": CHARGER_KW}
        charger, where = f"{key}:evse{number}", _near(at, 3 + number)
        site.append(_asset("charger", "E", charger, name_of, where, key, fields, ("charging_kw",)))
    return site


def _near(at: LonLat, number: int) -> LonLat:
    return at[0] + 0.00009 * number, at[1] - 0.00004 * number


def _asset(
    kind: str,
    prefix: str,
    key: str,
    name: str,
    at: LonLat,
    parent: str,
    fields: Mapping[str, object],
    metrics: Sequence[str],
    hints: Mapping[str, object] | None = None,
) -> AssetDraft:
    terms = {"tariff": usual(str(fields["use"]), float(str(fields["contracted_kw"])))} if "use" in fields else {}
    twin = {"parent": parent, "key": key, **(hints or {})}
    return AssetDraft(
        kind=kind,
        prefix=prefix,
        external_id=key,
        name=name[:200],
        points=(at,),
        parent=parent,
        estimated=True,
        fields=fields,
        engineering={**fields, **terms},
        device=DeviceDraft("senml", tuple(f"energy.{metric}" for metric in metrics), twin),
    )
