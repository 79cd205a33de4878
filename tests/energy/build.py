# SPDX-License-Identifier: Apache-2.0
"""Small portfolios for the energy tests."""

from __future__ import annotations

import numpy as np

from energy.plan import Evse, Site, Store
from energy.tariffs import TARIFF, price

STEPS = 96


def site(load=40.0, peak=90.0, contract=100.0, soc=0.5, charging=0.0, batteries=1, month_peak=0.0, day_peak=0.0):
    hours = np.arange(STEPS) / 4 % 24
    loads = np.where((hours >= 16) & (hours < 20), peak, load).astype(float)
    stores = tuple(Store(f"B-{n}", 100.0, 40.0, soc) for n in range(batteries))
    evses = (Evse("E-1", 22.0, charging),) if charging else ()
    return Site(
        uid="Q-1",
        name="Town hall",
        contracted_kw=contract,
        load_kw=loads,
        pv_kw=np.zeros(STEPS),
        charging_kw=np.full(STEPS, charging),
        price=price(TARIFF, hours),
        capacity_price=4.5,
        month_peak_kw=month_peak,
        day_peak_kw=day_peak,
        tomorrow_from=STEPS,
        batteries=stores,
        chargers=evses,
    )
