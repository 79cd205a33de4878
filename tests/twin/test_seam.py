# SPDX-License-Identifier: Apache-2.0
"""The last day of the written history and the same day lived by the twin must not be told apart."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from energy.twin import Twin as Energy
from lighting.twin import Twin as Lighting
from smartcity.kernel.street import StreetDevice, Up
from smartcity.twin import history
from smartcity.twin.street import Street
from smartcity.twin.world import StreetWorld

ZONE = "Europe/Helsinki"
FROM = int(datetime(2026, 11, 24, 22, tzinfo=UTC).timestamp() * 1000)  # midnight in the city, a Wednesday in winter
DAY = 86_400_000
QUARTERS = 96


def device(uid, kind, metrics, parent="", domain="energy", **more) -> StreetDevice:
    return StreetDevice(
        uid=uid, secret="", domain=domain, kind=kind, codec="senml", lon=24.94, lat=60.17, parent=parent,
        metrics=tuple(f"{domain}.{metric}" for metric in metrics), twin={"zone": ZONE}, **more,
    )  # fmt: skip


def portfolio() -> list[StreetDevice]:
    found = [device("F-1", "feeder", ["feeder_kw"], fields={"rated_kva": 4000.0})]
    for number in range(12):
        use = ("office", "retail", "school", "housing")[number % 4]
        peak = {"use": use, "peak_kw": 60.0 + 10 * number, "contracted_kw": 500.0}
        found += [
            device(f"T-{number}", "transformer", ["feeder_kw", "loading"], "F-1", fields={"rated_kva": 400.0}),
            device(f"Q-{number}", "connection_point", ["import_kw", "load_kw"], f"T-{number}", fields=peak),
            device(f"V-{number}", "pv_plant", ["generation_kw"], f"Q-{number}", fields={"peak_kw": 30.0}),
            *(
                device(f"E-{number}-{k}", "charger", ["charging_kw"], f"Q-{number}", fields={"power_kw": 22.0})
                for k in range(8)
            ),
        ]
    return found


def lamps() -> list[StreetDevice]:
    programme = {
        "normal_class": "M3", "minimum_class": "M5",
        "programme": [[15, 100], [23, 70], [5, 100]],
    }  # fmt: skip
    return [
        device(
            f"L-{n}", "luminaire", ["dim_level", "power_w"], domain="lighting", engineering=programme,
            fields={"power_w": 40.0 + n},
        )
        for n in range(30)
    ]  # fmt: skip


def lived(model, every_ms: int) -> dict[tuple[str, str], np.ndarray]:
    """Means per quarter hour of a day of what the devices sent."""
    total: dict[tuple[str, str], np.ndarray] = defaultdict(lambda: np.zeros((2, QUARTERS)))
    for now in range(FROM, FROM + DAY, every_ms):
        for said in model.step(now, every_ms / 1000):
            if isinstance(said, Up):
                for record in msgspec.json.decode(said.payload):
                    total[said.uid, record["n"]][:, (now - FROM) // 900_000] += (record["v"], 1)
    return {key: sums / np.maximum(counts, 1) for key, (sums, counts) in total.items()}


def written(devices: list[StreetDevice]) -> dict[tuple[str, str], np.ndarray]:
    """The same day out of a history of three weeks."""
    street = Street(devices=tuple(devices), zone=ZONE, seed=1)
    found = history.generate(street, FROM - 20 * DAY, FROM + DAY)
    return {(uid, metric): values[-QUARTERS:] for uid, metric, _, values in found}


def both(devices, model, every_ms):
    world = StreetWorld(Street(devices=tuple(devices)).centre, ZONE, 1)
    return lived(model(devices, world, 1), every_ms), written(devices)


def cabinets() -> list[StreetDevice]:
    """One among the lamps, one where there are none."""
    found = [
        device("F-1", "feeder", ["feeder_kw"], fields={"rated_kva": 400.0}),
        device("T-1", "transformer", ["feeder_kw", "loading"], "F-1", fields={"rated_kva": 400.0}),
    ]
    for uid, lon in (("Q-1", 24.94), ("Q-2", 24.99)):
        fields = {"use": "lighting", "peak_kw": 5.0, "contracted_kw": 7.0}
        found.append(replace(device(uid, "connection_point", ["import_kw", "load_kw"], "T-1", fields=fields), lon=lon))
    return found


def test_what_a_cabinet_meters_is_what_its_lamps_draw_on_both_sides_of_now():
    devices = [*cabinets(), *lamps()]
    world = StreetWorld(Street(devices=tuple(devices)).centre, ZONE, 1)
    lit, portfolio = Lighting(lamps(), world, 1), Energy(cabinets(), world, 1)
    now = lived(Beside(lit, portfolio), 10_000)
    past = written(devices)
    lamps_kw = np.sum([past[f"L-{n}", "lighting.power_w"] for n in range(30)], axis=0) / 1000
    assert past["Q-1", "energy.load_kw"] == pytest.approx(0.06 + lamps_kw, abs=0.01)
    assert past["Q-1", "energy.load_kw"].max() > 1.5
    gap = now["Q-1", "energy.load_kw"] - past["Q-1", "energy.load_kw"]
    broken = sum(lamp.rated_w for lamp in lit.lamps.values() if lamp.fault != "none") / 1000
    assert np.quantile(np.abs(gap), 0.95) < 0.05 + broken
    for days in (now, past):
        assert days["Q-2", "energy.load_kw"] == pytest.approx(np.full(QUARTERS, 0.06))


class Beside:
    """Two domains' models stepped one after the other, as the player does."""

    def __init__(self, *models):
        self.models = models

    def step(self, now_ms, dt_s):
        for model in self.models:
            yield from model.step(now_ms, dt_s)


@pytest.fixture(scope="module")
def energy():
    return both(portfolio(), Energy, 20_000)


@pytest.fixture(scope="module")
def lighting():
    return both(lamps(), Lighting, 10_000)


@pytest.mark.parametrize("metric", ["energy.load_kw", "energy.generation_kw"])
def test_load_and_generation_meet_quarter_by_quarter(energy, metric):
    now, past = ({uid: day for (uid, name), day in days.items() if name == metric} for days in energy)
    assert now.keys() == past.keys() and len(now) == 12
    scale = np.mean([day.max() for day in past.values()])
    gaps = np.array([now[uid] - past[uid] for uid in now]) / scale
    assert abs(gaps.mean()) < 0.005
    assert np.quantile(np.abs(gaps), 0.99) < 0.08


def test_charging_happens_as_much_and_at_the_same_hours(energy):
    now, past = (
        np.sum([day for (_, name), day in days.items() if name == "energy.charging_kw"], axis=0) for days in energy
    )
    assert now.sum() == pytest.approx(past.sum(), rel=0.25)
    hours = [day.reshape(24, 4).mean(axis=1) for day in (now, past)]
    assert np.corrcoef(*hours)[0, 1] > 0.8


def test_the_tree_adds_up_to_the_same(energy):
    now, past = (days["F-1", "energy.feeder_kw"] for days in energy)
    assert now.mean() == pytest.approx(past.mean(), rel=0.03)
    assert np.corrcoef(now, past)[0, 1] > 0.98


def test_lamps_burn_at_the_same_hours_levels_and_watts(lighting):
    now, past = lighting
    for number in range(30):
        level, power = (f"L-{number}", "lighting.dim_level"), (f"L-{number}", "lighting.power_w")
        steady = np.abs(np.diff(past[level], append=past[level][-1], prepend=past[level][0])) == 0
        steady = steady[:-1] & steady[1:]
        assert steady.sum() > 85
        assert np.allclose(now[level][steady], past[level][steady])
        if now[power].max() > 5:  # a lamp that was broken from the start draws nothing
            assert now[power][steady].sum() == pytest.approx(past[power][steady].sum(), rel=0.01)
