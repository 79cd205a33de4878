# SPDX-License-Identifier: Apache-2.0
"""A small, real city for the browser: the demo's map, a lit evening, a day of history, an alarm, a street of lamps.

`python -m tests.browser.demo_stand MAP` prepares the data folder of SMARTCITY_VAR; conftest runs the city on it.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

EVENING = datetime(2026, 11, 19, 14, 42, tzinfo=UTC)  # 16:42 in Helsinki, lamps just lit
PASSWORD = "a long enough word"
NOW_MS = int(EVENING.timestamp() * 1000)


def main(city_map: Path) -> None:
    import django

    django.setup()
    from django.conf import settings

    from smartcity import firstrun
    from smartcity.devices import importer
    from smartcity.kernel import clock as clocks
    from smartcity.kernel.clock import clock
    from smartcity.twin.backfill import backfill

    firstrun.write_secrets(settings.VAR / "secrets")
    firstrun.migrate(print)
    importer.import_city(city_map, demo=True, say=lambda text: None)
    clock.start_simulation(NOW_MS, 10.0)
    backfill(NOW_MS, days=1.0, only=("lighting",))
    (settings.VAR / "history-written").write_text("a day, for the browser tests")
    _people()
    _ledger()
    _scores()
    clocks.save(clock.anchor, settings.VAR / "clock.json")


def _people() -> None:
    from django.contrib.auth import get_user_model

    users = get_user_model()._default_manager
    users.create_superuser("anna", "anna@city.invalid", PASSWORD, first_name="Anna", last_name="Aalto")


def _ledger() -> None:
    from smartcity.control.models import LedgerEntry

    day = EVENING - timedelta(days=1)
    LedgerEntry.objects.create(
        domain="lighting",
        kpi="winter",
        title="Energy",
        unit="kWh",
        from_at=day.replace(hour=0, minute=0),
        to_at=day.replace(hour=23, minute=59),
        simulated_value=412.0,
        simulated_baseline=698.0,
        baseline_name="last winter",
    )


def _scores() -> None:
    """A record of forecasts: of feeders a good one, of containers two days and too narrow a band."""
    from smartcity.devices.models import Series
    from smartcity.forecasting.models import Score

    day_ms = 86_400_000
    rows = []
    for metric, two_days in (("energy.feeder_kw", False), ("waste.fill_level", True)):
        kind = "container" if two_days else "feeder"
        found = (
            Series.objects.filter(metric=metric, device__asset__kind=kind)
            .order_by("device__asset__uid")
            .values_list("pk", flat=True)[:30]
        )
        for k, (series, nth) in enumerate((pk, nth) for pk in found for nth in range(6)):
            error = 2.0 + k % 11 / 4
            both = {"first_n": 24, "first_mae": error - 1, "first_naive_mae": 5.0, "first_inside80": 17}
            rows.append(
                Score(series_id=series, issued_at=NOW_MS - day_ms - nth * day_ms // 4, n=48 if two_days else 96,
                      method="direct_ridge" if k % 9 == 0 else "mix", mae=error, loss=error / 2, naive_mae=4.0,
                      inside80=31 if two_days else 78, inside95=40 if two_days else 92, bias=error / 3, scale=6.0,
                      **(both if two_days else {}))
            )  # fmt: skip
    assert len(rows) > 60, "the demo's city has no feeders or containers"
    Score.objects.bulk_create(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
