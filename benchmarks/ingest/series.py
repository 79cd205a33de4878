# SPDX-License-Identifier: Apache-2.0
"""Real series with the instants they have, from public data kept outside the repository.

Some files hold 4-byte floats where the instrument wrote a decimal fraction. A device sends that fraction, so it is what
is packed here: the shortest decimal text that gives back the number of the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from smartcity.telemetry.arrays import Floats, Ints


@dataclass(frozen=True, slots=True)
class Source:
    """A file; `name` is the column that tells its series apart, '' where it holds one of each of `values`. Of many
    series only every so many are taken."""

    group: str
    file: str
    at: str
    values: tuple[str, ...]
    name: str = ""
    every: int = 1


WEATHER: Final = (
    "outdoor_dry_bulb_temperature", "outdoor_relative_humidity", "diffuse_solar_irradiance", "direct_solar_irradiance",
)  # fmt: skip
SOURCES: Final = (
    Source("homes_hourly", "energy_fontana_homes_hourly", "ts_local", ("load_kwh",), "series_id"),
    Source("buildings_hourly", "energy_bdg2_two_buildings_hourly", "timestamp", ("building_1", "building_2")),
    Source("weather_hourly", "energy_fontana_weather_hourly", "ts_local", WEATHER),
    Source("grid_halfhourly", "energy_victoria_halfhourly", "ts_utc", ("demand_mw", "temp_c")),
    Source("people_hourly", "flow_auckland_pedestrians_hourly", "ts_local", ("count",), "sensor"),
    Source("parking_halfhourly", "traffic_aarhus_parking", "updatetime", ("vehiclecount",), "garagecode"),
    Source("road_5min", "traffic_aarhus_road_158324_5min", "ts", ("avgSpeed", "vehicleCount")),
    Source("motorway_hourly", "traffic_i94_hourly", "date_time", ("traffic_volume",)),
    Source("stops_hourly", "transit_montevideo_stops_hourly", "ts_local", ("boardings",), "bus_stop"),
    Source("m4_hourly", "m4_hourly_train", "timestamp", ("value",), "series_id", 5),
)


@dataclass(frozen=True, slots=True)
class Series:
    """Instants in ms, ascending, each once; values finite."""

    at: Ints
    value: Floats


def read(folder: Path, source: Source) -> list[Series]:
    """The series of a file; none where there is no such file."""
    path = folder / "forecasting" / f"{source.file}.parquet"
    if not path.exists():
        return []
    frame = pd.read_parquet(path)
    parts = [rows for _, rows in frame.groupby(source.name)][:: source.every] if source.name else [frame]
    return [_series(rows[source.at], rows[column]) for rows in parts for column in source.values]


def days(series: Series) -> Iterator[tuple[int, slice]]:
    """Each UTC day with readings, and where they are."""
    of = series.at // 86_400_000
    starts = np.flatnonzero(np.diff(of, prepend=of[:1] - 1)).tolist()
    for start, end in zip(starts, [*starts[1:], len(of)], strict=True):
        yield int(of[start]), slice(start, end)


def _series(at: pd.Series[Any], values: pd.Series[Any]) -> Series:
    stamps = pd.to_datetime(at)
    if stamps.dt.tz is not None:
        stamps = stamps.dt.tz_convert(None)
    instants = stamps.to_numpy().astype("datetime64[ms]").astype(np.int64)
    numbers = _as_sent(values.to_numpy())
    there = np.isfinite(numbers)
    instants, first = np.unique(instants[there], return_index=True)
    return Series(instants, numbers[there][first])


def _as_sent(values: Any) -> Floats:
    if values.dtype == np.float32:
        return np.array([float(text) for text in values.astype(str)], np.float64)
    return np.asarray(values, np.float64)
