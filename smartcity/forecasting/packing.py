# SPDX-License-Identifier: Apache-2.0
"""Forecasts and standings as rows, and back. A row that does not fit its target any more counts as absent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from smartcity.forecasting.forecast import Basis, Forecast
from smartcity.forecasting.intervals import MISSES, width
from smartcity.forecasting.methods import METHODS, NAIVE
from smartcity.forecasting.models import Calibration, IssuedForecast, StandingColumns
from smartcity.forecasting.ranking import Standing
from smartcity.kernel.forecasts import Target


def pack(series_id: int, forecast: Forecast, *, is_kept: bool) -> IssuedForecast:
    return IssuedForecast(
        series_id=series_id,
        issued_at=forecast.issued_at_ms,
        start=forecast.start_ms,
        end=forecast.end_ms,
        step_s=forecast.step_s,
        levels=list(forecast.levels),
        values=forecast.values.astype("<f4").tobytes(),
        method=forecast.method,
        basis=forecast.basis.value,
        note=forecast.note,
        skill=forecast.skill,
        is_kept=is_kept,
    )


def unpack(row: IssuedForecast) -> Forecast:
    levels = tuple(float(level) for level in row.levels)
    values = np.frombuffer(row.values, "<f4").astype(np.float64)
    return Forecast(
        issued_at_ms=row.issued_at,
        start_ms=row.start,
        step_s=row.step_s,
        levels=levels,
        values=values.reshape(len(levels), -1) if len(values) else np.empty((len(levels), 0)),
        method=row.method,
        basis=Basis(row.basis),
        note=row.note,
        skill=row.skill,
    )


def pack_standing(
    series_id: int, standing: Standing, now_ms: int, miss: float = MISSES, judged: int = 0
) -> Calibration:
    return Calibration(series_id=series_id, miss=miss, judged=judged, **columns(standing, now_ms))


def columns(standing: Standing, now_ms: int) -> dict[str, Any]:
    """Of StandingColumns, all but what the record of a series has to say."""
    return {
        "made_at": now_ms,
        "ladder": list(standing.ladder),
        "skill": standing.skill,
        "windows": standing.windows,
        "asked": standing.asked,
        "shares": None if standing.shares is None else standing.shares.round(4).tolist(),
    }


def unpack_standing(row: StandingColumns | None, target: Target, allowed: Sequence[str]) -> Standing:
    """Seasonal naive alone where there is no row, or where it names methods that may not be used any more."""
    if row is None or not row.ladder or any(name not in METHODS or name not in allowed for name in row.ladder):
        return Standing()
    shares = None if row.shares is None else np.array(row.shares, np.float64)
    if NAIVE not in row.ladder or (shares is not None and (shares.ndim != 2 or len(shares) != len(row.ladder))):
        return Standing()
    return Standing(
        ladder=tuple(row.ladder),
        skill=row.skill,
        windows=row.windows,
        asked=row.asked,
        shares=shares,
        width=width(row.miss, row.judged),
    )
