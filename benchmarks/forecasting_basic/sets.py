# SPDX-License-Identifier: Apache-2.0
"""The real series of the benchmark: hourly, from public data kept outside the repository (benchmarks/README.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from smartcity.forecasting.series import History, regular


@dataclass(frozen=True, slots=True)
class Sample:
    name: str
    group: str
    history: History
    low: float = 0.0


def city(folder: Path, *, m4_every: int = 15) -> list[Sample]:
    """Every hourly series of the folder, and every `m4_every`-th of the M4 competition."""
    return [
        sample
        for part in (_homes(folder), _victoria(folder), _people(folder), _parking(folder), _i94(folder), _stops(folder))
        for sample in part
    ] + list(_m4(folder, m4_every))


def _homes(folder: Path) -> Iterator[Sample]:
    frame = pd.read_parquet(folder / "energy_fontana_homes_hourly.parquet")
    for name, rows in frame.groupby("series_id"):
        yield Sample(f"home {name}", "meter", _hourly(rows["ts_local"], rows["load_kwh"]))
    first = frame[frame["series_id"] == frame["series_id"].iloc[0]]
    yield Sample("pv", "pv", _hourly(first["ts_local"], first["pv_wh_per_kwp"]))


def _victoria(folder: Path) -> Iterator[Sample]:
    frame = pd.read_parquet(folder / "energy_victoria_halfhourly.parquet")
    yield Sample("victoria", "meter", _hourly(frame["ts_utc"].dt.tz_localize(None), frame["demand_mw"]))


def _people(folder: Path) -> Iterator[Sample]:
    frame = pd.read_parquet(folder / "flow_auckland_pedestrians_hourly.parquet")
    for name, rows in frame.groupby("sensor"):
        yield Sample(f"people {name}", "flow", _hourly(rows["ts_local"], rows["count"]))


def _parking(folder: Path) -> Iterator[Sample]:
    frame = pd.read_parquet(folder / "traffic_aarhus_parking.parquet")
    for name, rows in frame.groupby("garagecode"):
        yield Sample(f"parking {name}", "flow", _hourly(rows["updatetime"], rows["vehiclecount"]))


def _i94(folder: Path) -> Iterator[Sample]:
    frame = pd.read_parquet(folder / "traffic_i94_hourly.parquet")
    yield Sample("i94", "flow", _hourly(frame["date_time"], frame["traffic_volume"]))


def _stops(folder: Path) -> Iterator[Sample]:
    frame = pd.read_parquet(folder / "transit_montevideo_stops_hourly.parquet")
    for name, rows in frame.groupby("bus_stop"):
        yield Sample(f"stop {name}", "flow", _hourly(rows["ts_local"], rows["boardings"]))


def _m4(folder: Path, every: int) -> Iterator[Sample]:
    frame = pd.read_parquet(folder / "m4_hourly_train.parquet")
    for name in sorted(frame["series_id"].unique())[::every]:
        rows = frame[frame["series_id"] == name]
        yield Sample(f"m4 {name}", "m4", _hourly(rows["timestamp"], rows["value"]), low=float("-inf"))


def _hourly(at: pd.Series[pd.Timestamp], values: pd.Series[float]) -> History:
    instants = pd.to_datetime(at).to_numpy().astype("datetime64[ms]").astype(np.int64)
    return regular(instants, np.asarray(values, dtype=np.float64).reshape(-1), step_s=3600)
