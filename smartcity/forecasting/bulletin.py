# SPDX-License-Identifier: Apache-2.0
"""A weather forecast as somebody issued it, read from JSON or CSV, refused in words where it makes no sense. Pure."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from smartcity.forecasting.series import Array

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
STEPS_S = (900, 1800, 3600, 10_800)
LONGEST_MS, AHEAD_MS = 31 * DAY_MS, 300_000
TEMPERATURE, IRRADIANCE = "temperature", "irradiance"


@dataclass(frozen=True, slots=True)
class Quantity:
    """How a quantity is called in our own form and by Open-Meteo, and between which values it is believed."""

    column: str
    open_meteo: str
    units: tuple[str, ...]
    low: float
    high: float


QUANTITIES = {
    TEMPERATURE: Quantity("temperature_c", "temperature_2m", ("°C",), -70.0, 60.0),
    IRRADIANCE: Quantity("irradiance_w_m2", "shortwave_radiation", ("W/m²", "W/m2"), -20.0, 1500.0),
}


class BadBulletin(Exception):
    """Why it is not used, in a sentence."""


@dataclass(frozen=True, slots=True)
class Bulletin:
    """`values[quantity][k]` holds from start_ms + k · step_s on; °C and W/m² without gaps."""

    issued_ms: int
    start_ms: int
    step_s: int
    values: Mapping[str, Array]

    @property
    def end_ms(self) -> int:
        return self.start_ms + max(len(row) for row in self.values.values()) * self.step_s * 1000


def of_json(body: bytes, now_ms: int) -> Bulletin:
    """Our own form (docs/how-to/give-forecasts-the-weather.md) or Open-Meteo's hourly one. Raises BadBulletin."""
    try:
        found = json.loads(body)
    except ValueError as problem:
        raise BadBulletin(f"it is not complete JSON ({problem}); is it still being written?") from None
    if not isinstance(found, dict):
        raise BadBulletin("it is not a JSON object.")
    return _open_meteo(found, now_ms) if "hourly" in found else _own(found, now_ms)


def of_csv(body: bytes, now_ms: int, written_ms: int) -> Bulletin:
    """Columns `time`, `temperature_c` and, if there, `irradiance_w_m2`; issued when the file was written."""
    try:
        rows = list(csv.DictReader(body.decode("utf-8-sig").splitlines()))
    except (UnicodeDecodeError, csv.Error) as problem:
        raise BadBulletin(f"it is not a CSV file in UTF-8 ({problem}).") from None
    if not rows or "time" not in rows[0]:
        raise BadBulletin("it has no column `time` with rows below it.")
    if short := next((row for row in rows if None in row.values() or None in row), None):
        raise BadBulletin(f"the row of {short.get('time')!r} has not as many fields as the head; is it still written?")
    start_ms, step_s = _regular([_instant(row["time"], "time") for row in rows])
    series = {what: [row[one.column] for row in rows] for what, one in QUANTITIES.items() if one.column in rows[0]}
    return _checked(min(written_ms, now_ms), start_ms, step_s, series, now_ms)


def _own(found: Mapping[str, Any], now_ms: int) -> Bulletin:
    issued_ms = _instant(found["issued_at"], "issued_at") if "issued_at" in found else now_ms
    start_ms = _instant(found.get("start"), "start")
    step_s = found.get("step_s", 3600)
    series = {what: found[one.column] for what, one in QUANTITIES.items() if one.column in found}
    return _checked(issued_ms, start_ms, step_s, series, now_ms)


def _open_meteo(found: Mapping[str, Any], now_ms: int) -> Bulletin:
    """It does not say when it was issued, so it is as old as the answer."""
    hourly, units = found["hourly"], found.get("hourly_units", {})
    if not isinstance(hourly, dict) or not isinstance(hourly.get("time"), list) or not isinstance(units, dict):
        raise BadBulletin("`hourly` has no list `time`.")
    offset_s = found.get("utc_offset_seconds", 0)
    if not isinstance(offset_s, int):
        raise BadBulletin("`utc_offset_seconds` is not a whole number.")
    at = [_instant(one, "hourly.time", offset_s=offset_s) for one in hourly["time"]]
    series = {what: hourly[one.open_meteo] for what, one in QUANTITIES.items() if one.open_meteo in hourly}
    for what in series:
        said = units.get(QUANTITIES[what].open_meteo, QUANTITIES[what].units[0])
        if said not in QUANTITIES[what].units:
            raise BadBulletin(f"its {what} is in {said}; ask for {QUANTITIES[what].units[0]}.")
    start_ms, step_s = _regular(at)
    return _checked(now_ms, start_ms, step_s, series, now_ms)


def _checked(issued_ms: int, start_ms: int, step_s: Any, series: Mapping[str, Any], now_ms: int) -> Bulletin:
    if issued_ms > now_ms + AHEAD_MS:
        raise BadBulletin(f"it says it was issued at {_said(issued_ms)}, which by the city's clock is in the future.")
    if step_s not in STEPS_S or start_ms % (step_s * 1000):
        raise BadBulletin("its steps must be 15, 30, 60 or 180 minutes and begin on a full one (UTC).")
    if not series:
        raise BadBulletin(f"it has none of {', '.join(one.column for one in QUANTITIES.values())}.")
    values = {what: _values(what, row, start_ms, step_s) for what, row in series.items()}
    found = Bulletin(issued_ms, start_ms, int(step_s), values)
    if not found.start_ms - DAY_MS * 14 <= issued_ms < found.end_ms:
        raise BadBulletin(f"it is about {_said(start_ms)} to {_said(found.end_ms)}, which is not what comes next.")
    return found


def _values(what: str, row: Any, start_ms: int, step_s: int) -> Array:
    """Finite and believable, what is missing at the end cut off."""
    if not isinstance(row, list) or len(row) * step_s * 1000 > LONGEST_MS:
        raise BadBulletin(f"its {what} is not a list of at most {LONGEST_MS // DAY_MS} days.")
    values = np.array([_number(cell) for cell in row], dtype=np.float64)
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        raise BadBulletin(f"its {what} has no value.")
    values = values[: known[-1] + 1]
    if len(known) < len(values):
        gap = int(np.flatnonzero(~np.isfinite(values))[0])
        raise BadBulletin(f"its {what} of {_said(start_ms + gap * step_s * 1000)} is missing or not a number.")
    _believed(what, values)
    return np.maximum(values, 0.0) if what == IRRADIANCE else values


def _believed(what: str, values: Array) -> None:
    one = QUANTITIES[what]
    if what == TEMPERATURE and values.min() > 150:
        raise BadBulletin(f"its temperature of {values.min():.0f} looks like kelvin; degrees Celsius are wanted.")
    if what == TEMPERATURE and len(values) > 1 and values.mean() > 45:
        raise BadBulletin(f"its mean temperature of {values.mean():.0f} looks like °F; degrees Celsius are wanted.")
    if values.min() < one.low or values.max() > one.high:
        odd = values.min() if values.min() < one.low else values.max()
        raise BadBulletin(f"its {what} of {odd:g} is outside {one.low:g} to {one.high:g} {one.units[0]}.")


def _number(cell: Any) -> float:
    """NaN for what is no number."""
    if isinstance(cell, bool):
        return math.nan
    try:
        return float(cell)
    except (TypeError, ValueError):
        return math.nan


def _regular(at: Sequence[int]) -> tuple[int, int]:
    """(start in ms, step in s) of instants that must be equally far apart."""
    apart = np.unique(np.diff(at))
    if len(apart) != 1:
        raise BadBulletin("its instants are not equally far apart.")
    return at[0], int(apart[0]) // 1000


def _instant(text: Any, name: str, *, offset_s: int | None = None) -> int:
    """Milliseconds of ISO 8601 with an offset; where `offset_s` is given, of local time so far east of UTC."""
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise BadBulletin(f"`{name}` is {text!r}, not an instant such as 2026-11-28T14:00Z.") from None
    if at.tzinfo is None and offset_s is None:
        raise BadBulletin(f"`{name}` is {text!r}, which does not say how far from UTC it is.")
    local_s = 0 if at.tzinfo is not None else offset_s or 0
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - local_s) * 1000


def _said(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
