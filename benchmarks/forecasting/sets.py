# SPDX-License-Identifier: Apache-2.0
"""The real series of the benchmark: public data kept outside the repository, or a file of anybody's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from smartcity.forecasting.series import History, regular


@dataclass(frozen=True, slots=True)
class Sample:
    """`family`: series of one kind, foreseen together; `group`: the class it is reported under."""

    name: str
    group: str
    history: History
    family: str
    low: float = 0.0


def city(folder: Path, *, m4_every: int = 15) -> list[Sample]:
    """Every hourly series of the folder, and every `m4_every`-th of the M4 competition."""
    return [
        sample
        for part in (
            _homes(folder),
            _buildings(folder),
            _victoria(folder),
            _people(folder),
            _parking(folder),
            _road(folder),
            _i94(folder),
            _stops(folder),
            m4(folder, m4_every),
        )
        for sample in part
    ]


def own(path: Path, *, name: str, time: str, value: str, step_s: int) -> list[Sample]:
    """The series of a Parquet or CSV file in long form; `name` may be empty where there is one. Raises ValueError."""
    frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    missing = [column for column in (name, time, value) if column and column not in frame]
    if missing:
        raise ValueError(f"{path.name} has no column {missing[0]}; it has {', '.join(map(str, frame.columns))}.")
    parts = frame.groupby(name) if name else [(path.stem, frame)]
    low = 0.0 if float(frame[value].min()) >= 0 else float("-inf")
    return [
        Sample(str(one), path.stem, _regular(rows[time], rows[value], step_s), family=path.stem, low=low)
        for one, rows in parts
    ]


def _homes(folder: Path) -> Iterator[Sample]:
    frame = pd.read_parquet(folder / "energy_fontana_homes_hourly.parquet")
    for name, rows in frame.groupby("series_id"):
        yield Sample(f"home {name}", "meter", hourly(rows["ts_local"], rows["load_kwh"]), "home")
    for name in sorted(frame["series_id"].unique())[::4][:2]:
        rows = frame[frame["series_id"] == name]
        yield Sample(f"pv {name}", "pv", hourly(rows["ts_local"], rows["pv_wh_per_kwp"]), "pv")


def _buildings(folder: Path) -> Iterator[Sample]:
    frame = pd.read_parquet(folder / "energy_bdg2_two_buildings_hourly.parquet")
    for name in ("building_1", "building_2"):
        yield Sample(name, "meter", hourly(frame["timestamp"], frame[name]), "building")


def _victoria(folder: Path) -> Iterator[Sample]:
    frame = pd.read_parquet(folder / "energy_victoria_halfhourly.parquet")
    yield Sample("victoria", "meter", hourly(frame["ts_utc"].dt.tz_localize(None), frame["demand_mw"]), "state")


def _people(folder: Path) -> Iterator[Sample]:
    frame = pd.read_parquet(folder / "flow_auckland_pedestrians_hourly.parquet")
    for name, rows in frame.groupby("sensor"):
        yield Sample(f"people {name}", "flow", hourly(rows["ts_local"], rows["count"]), "people")


def _parking(folder: Path) -> Iterator[Sample]:
    frame = pd.read_parquet(folder / "traffic_aarhus_parking.parquet")
    for name, rows in frame.groupby("garagecode"):
        yield Sample(f"parking {name}", "flow", hourly(rows["updatetime"], rows["vehiclecount"]), "parking")


def _road(folder: Path) -> Iterator[Sample]:
    frame = pd.read_parquet(folder / "traffic_aarhus_road_158324_5min.parquet")
    yield Sample("road", "flow", hourly(frame["ts"], frame["vehicleCount"]), "road")


def _i94(folder: Path) -> Iterator[Sample]:
    frame = pd.read_parquet(folder / "traffic_i94_hourly.parquet")
    yield Sample("i94", "flow", hourly(frame["date_time"], frame["traffic_volume"]), "road")


def _stops(folder: Path) -> Iterator[Sample]:
    frame = pd.read_parquet(folder / "transit_montevideo_stops_hourly.parquet")
    for name, rows in frame.groupby("bus_stop"):
        yield Sample(f"stop {name}", "flow", hourly(rows["ts_local"], rows["boardings"]), "stop")


def m4(folder: Path, every: int = 1) -> Iterator[Sample]:
    frame = pd.read_parquet(folder / "m4_hourly_train.parquet")
    for name in sorted(frame["series_id"].unique())[::every]:
        rows = frame[frame["series_id"] == name]
        yield Sample(f"m4 {name}", "m4", hourly(rows["timestamp"], rows["value"]), "m4")


def hourly(at: pd.Series[pd.Timestamp], values: pd.Series[float]) -> History:
    return _regular(at, values, 3600)


def _regular(at: pd.Series[pd.Timestamp], values: pd.Series[float], step_s: int) -> History:
    instants = pd.to_datetime(at).to_numpy().astype("datetime64[ms]").astype(np.int64)
    return regular(instants, np.asarray(values, dtype=np.float64).reshape(-1), step_s=step_s)
