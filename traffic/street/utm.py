# SPDX-License-Identifier: Apache-2.0
"""UTM forward projection without PROJ (Krüger's n-series to third order; WGS 84, millimetres inside a zone)."""

from __future__ import annotations

from math import atan2, atanh, cos, cosh, radians, sin, sinh, sqrt

SEMI_MAJOR_M = 6_378_137.0
FLATTENING = 1 / 298.257223563
SCALE = 0.9996
FALSE_EASTING_M = 500_000.0

_N = FLATTENING / (2 - FLATTENING)
_A = SEMI_MAJOR_M / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
_ALPHA = (
    _N / 2 - 2 * _N**2 / 3 + 5 * _N**3 / 16,
    13 * _N**2 / 48 - 3 * _N**3 / 5,
    61 * _N**3 / 240,
)


def forward(lon: float, lat: float, zone: int) -> tuple[float, float]:
    """Easting and northing in metres, northern hemisphere (Karney 2011, equations 7 to 12)."""
    phi, lam = radians(lat), radians(lon - (zone * 6 - 183))
    root = 2 * sqrt(_N) / (1 + _N)
    t = sinh(atanh(sin(phi)) - root * atanh(root * sin(phi)))
    xi, eta = atan2(t, cos(lam)), atanh(sin(lam) / sqrt(1 + t * t))
    east, north = eta, xi
    for order, alpha in enumerate(_ALPHA, start=1):
        east += alpha * cos(2 * order * xi) * sinh(2 * order * eta)
        north += alpha * sin(2 * order * xi) * cosh(2 * order * eta)
    return FALSE_EASTING_M + SCALE * _A * east, SCALE * _A * north
