# SPDX-License-Identifier: Apache-2.0
"""Forecasts as they were issued, for somebody to take away: a row for each step with all quantiles, CSV or Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from smartcity.api.views import moment
from smartcity.forecasting.forecast import Forecast

NO_PARQUET = (
    "Parquet needs the package pyarrow, which is not installed here: script/bootstrap --parquet brings it (55 MB). "
    "CSV holds the same rows."
)


class NoParquet(Exception):
    """The optional package is missing."""


@dataclass(frozen=True, slots=True)
class Label:
    """What stands in every row; `mode` is LIVE, or says that nothing of it is real."""

    device: str
    metric: str
    unit: str
    mode: str


def may_parquet() -> bool:
    return find_spec("pyarrow") is not None


def columns(label: Label, forecasts: Sequence[Forecast]) -> dict[str, list[Any]]:
    """Column by column, a row for each step of each forecast. A level that one of them does not state is None."""
    levels = sorted({level for one in forecasts for level in one.levels})
    steps = [(one, step, at) for one in forecasts for step, at in enumerate(one.instants_ms)]
    found: dict[str, list[Any]] = {
        "at_utc": [moment(at) for _, _, at in steps],
        "issued_at_utc": [moment(one.issued_at_ms) for one, _, _ in steps],
        "step_s": [one.step_s for one, _, _ in steps],
        **{name: [getattr(label, name)] * len(steps) for name in ("device", "metric", "unit", "mode")},
        "method": [one.method for one, _, _ in steps],
    }
    for level in levels:
        found[f"q{level:g}"] = [
            round(float(one.values[one.levels.index(level), step]), 6) if level in one.levels else None
            for one, step, _ in steps
        ]
    return found


def as_csv(label: Label, forecasts: Sequence[Forecast]) -> bytes:
    found, text = columns(label, forecasts), io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(found)
    writer.writerows(
        [value.isoformat() if hasattr(value, "isoformat") else value for value in row]
        for row in zip(*found.values(), strict=True)
    )
    return text.getvalue().encode()


def as_parquet(label: Label, forecasts: Sequence[Forecast]) -> bytes:
    """Raises NoParquet where pyarrow is not installed."""
    if not may_parquet():
        raise NoParquet(NO_PARQUET)
    import pyarrow as pa  # optional, and slow to load
    import pyarrow.parquet as pq

    found, file = columns(label, forecasts), io.BytesIO()
    instants, words = pa.timestamp("ms", tz="UTC"), {"device", "metric", "unit", "mode", "method"}
    kinds = {name: instants if name.endswith("_utc") else pa.string() if name in words else None for name in found}
    kinds |= {name: pa.float64() for name in found if name.startswith("q")} | {"step_s": pa.int32()}
    table = pa.table({name: pa.array(values, kinds[name]) for name, values in found.items()})
    pq.write_table(table.replace_schema_metadata({"smartcity.mode": label.mode}), file, compression="zstd")
    return file.getvalue()
