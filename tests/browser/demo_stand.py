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
    for ago, measured in ((4, 690.0), (3, 710.0), (2, 700.0)):
        midnight = (EVENING - timedelta(days=ago)).replace(hour=22, minute=0)  # Helsinki
        LedgerEntry.objects.create(
            domain="lighting",
            kpi="energy",
            title="Energy",
            unit="kWh",
            from_at=midnight,
            to_at=midnight + timedelta(days=1),
            measured_value=measured,
            baseline_name="none",
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
