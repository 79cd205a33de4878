# SPDX-License-Identifier: Apache-2.0
"""A small, real city for the browser: the demo's map, a lit evening, a day of history, an alarm, a street of lamps.

`python -m tests.browser.demo_stand MAP` prepares the data folder of SMARTCITY_VAR; conftest runs the city on it.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from smartcity.telemetry.arrays import Floats, Ints

if TYPE_CHECKING:
    from smartcity.forecasting.forecast import Forecast

EVENING = datetime(2026, 11, 19, 14, 42, tzinfo=UTC)  # 16:42 in Helsinki, lamps just lit
PASSWORD = "a long enough word"
NOW_MS = int(EVENING.timestamp() * 1000)
QUARTER_MS, DAY_MS = 900_000, 86_400_000
JUNCTION, CONTAINER, POINT = "K-001", "C-001", "Q-001"
SILENT = "K-002"  # a junction that never said anything
SHOWN = (JUNCTION, CONTAINER, POINT)
COURSES = {  # (asset, metric): middle and swing of a day
    (JUNCTION, "traffic.flow"): (600.0, 400.0),
    (JUNCTION, "traffic.control_delay"): (20.0, 5.0),
    (CONTAINER, "waste.fill_level"): (50.0, 20.0),
    (POINT, "energy.import_kw"): (400.0, 200.0),
    (POINT, "energy.load_kw"): (400.0, 200.0),
}
FORESEEN = ("traffic.flow", "waste.fill_level", "energy.load_kw")
FIGURES = (  # domain, figure, title, unit, with the loop, baseline
    ("traffic", "control_delay", "Control delay, vehicles", "s/veh", 19.0, 25.0),
    ("waste", "km", "Distance driven", "km", 31.0, 62.0),
    ("energy", "peak", "Sum of site peaks", "kW", 900.0, 1000.0),
)


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
    clock.start_simulation(NOW_MS, 3.0)
    backfill(NOW_MS, days=1.0, only=("lighting",))
    (settings.VAR / "history-written").write_text("a day, for the browser tests")
    _people()
    _ledger()
    _past_and_future()
    _commanded()
    _signals()
    _scores()
    _sums()
    _logged()
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
    for domain, kpi, title, unit, value, baseline in FIGURES:
        LedgerEntry.objects.create(
            domain=domain,
            kpi=kpi,
            title=title,
            unit=unit,
            from_at=day.replace(hour=0, minute=0),
            to_at=day.replace(hour=23, minute=59),
            simulated_value=value,
            simulated_baseline=baseline,
            baseline_name="a day before the loop",
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


def _past_and_future() -> None:
    """Of one asset in each of the other domains: eight days of readings, and where one is due, a forecast, also those
    of a day and a week ago."""
    import numpy as np

    from smartcity.devices.models import Series
    from smartcity.forecasting.packing import pack
    from smartcity.telemetry.store import Store

    known = {
        (s.device.uid, s.metric): s.pk for s in Series.objects.filter(device__uid__in=SHOWN).select_related("device")
    }
    at = np.arange(NOW_MS - 8 * DAY_MS, NOW_MS, QUARTER_MS)
    store = Store()
    for (uid, metric), (middle, swing) in COURSES.items():
        series, store_at = known[uid, metric], np.append(at, NOW_MS - 10_000)
        noise = np.random.default_rng(series).normal(1.0, 0.1, len(store_at))  # without it a band would have no width
        store.bulk(np.full(len(store_at), series), store_at, _wave(store_at, middle, swing) * noise, now_ms=NOW_MS)
        if metric not in FORESEEN:
            continue
        for ago_ms in (0, DAY_MS, 7 * DAY_MS):
            step_s = 3600 if metric == "waste.fill_level" else 900
            row = pack(series, _forecast(NOW_MS - ago_ms, step_s, middle, swing), is_kept=True)
            row.is_current, row.is_scored = ago_ms == 0, ago_ms > 0
            row.save()
    store.mend_all()
    store.close()


def _forecast(at_ms: int, step_s: int, middle: float, swing: float) -> Forecast:
    """A day ahead by the quarter, or two by the hour."""
    import numpy as np

    from smartcity.forecasting.forecast import Basis, Forecast
    from smartcity.forecasting.series import boundary
    from smartcity.kernel.forecasts import LEVELS

    start_ms = boundary(at_ms, step_s)
    ahead = start_ms + np.arange(48 if step_s == 3600 else 96) * step_s * 1000
    values = _wave(ahead, middle, swing) * (1 + 0.4 * (np.array(LEVELS)[:, None] - 0.5) / 0.8)
    return Forecast(
        issued_at_ms=at_ms, start_ms=start_ms, step_s=step_s, levels=LEVELS, values=values, method="seasonal_naive",
        basis=Basis.MODEL, note="",
    )  # fmt: skip


def _wave(at: Ints, middle: float, swing: float) -> Floats:
    """A day's course: lowest at midnight, highest at noon."""
    import numpy as np

    return np.asarray(middle - swing * np.cos(2 * np.pi * (at % DAY_MS) / DAY_MS), np.float64)


def _logged() -> None:
    """Of one junction: the event log of the last hours, and a day on both plans, better for vehicles, not on foot."""
    import numpy as np

    from smartcity.devices.models import Asset, Device, Series
    from smartcity.telemetry.batch import Batch
    from smartcity.telemetry.store import Store
    from tests.traffic import logged

    device = Device.objects.get(uid=JUNCTION)
    approaches = sorted(Asset.objects.filter(parent__uid=JUNCTION).values_list("uid", flat=True))[:3]
    announced, batches = logged.log(approaches, NOW_MS - 3 * 3_600_000, 3 * 3600 - 60)
    device.announced = announced | (device.announced or {})
    device.save()
    store = Store()
    store.write(Batch(now_ms=NOW_MS, logged=logged.stored(batches, device.pk)))
    at = np.arange(NOW_MS - DAY_MS, NOW_MS, QUARTER_MS)
    noise = np.random.default_rng(5).normal(0.0, 1.0, len(at))
    for metric, middle in (
        ("fixed_plan_delay", 27.0),
        ("pedestrian_wait", 21.5),
        ("fixed_plan_pedestrian_wait", 20.0),
    ):
        series = Series.objects.get(device=device, metric=f"traffic.{metric}").pk
        store.bulk(np.full(len(at), series), at + 1000, middle + noise, now_ms=NOW_MS)
    store.close()


def _commanded() -> None:
    """A stage that was held by hand half an hour ago and was seen to run."""
    from smartcity.control.models import Command, Transition
    from smartcity.devices.models import Device

    device = Device.objects.select_related("asset").get(uid=JUNCTION)
    asked = EVENING - timedelta(minutes=30)
    done = asked + timedelta(seconds=20)
    command = Command.objects.create(
        asset=device.asset, zone=device.asset.zone, device=device, domain="traffic", point="stage", value=2,
        state="verified", issuer="anna", reason="parade on Mikonkatu", simulated=True, measured=2.0, created_at=asked,
        sent_at=asked, applied_at=done, ended_at=done, expires_at=asked + timedelta(minutes=10),
    )  # fmt: skip
    for state, at in (("queued", asked), ("sent", asked), ("applied", done), ("verified", done)):
        Transition.objects.create(command=command, state=state, at=at)


def _signals() -> None:
    """What controllers announced, a quarter hour of stages, requests of the loop at one; SILENT never spoke."""
    import numpy as np

    from smartcity.control.models import FastEvent
    from smartcity.devices.models import Device, Series
    from smartcity.telemetry.store import Store
    from traffic.models import Approach

    store = Store()
    at = np.arange(NOW_MS - 900_000, NOW_MS, 5000)
    signals = Device.objects.filter(asset__kind="intersection").exclude(uid=SILENT).select_related("asset")
    for number, device in enumerate(signals.order_by("uid")):
        rows = Approach.objects.filter(parent=device.asset).order_by("uid").values_list("uid", "heading")
        device.announced, device.announced_at = _announced(list(rows)), EVENING
        device.save()
        place = (at // 1000 + 7 * number) % 60
        shown = np.where(place < 30, 1, np.where(place < 35, 0, np.where(place < 55, 2, 0)))
        stage = Series.objects.get(device=device, metric="traffic.stage").pk
        store.bulk(np.full(len(at), stage), at, shown.astype(float), now_ms=NOW_MS)
    store.close()
    junction = Device.objects.get(uid=JUNCTION).asset
    why = "7 vehicles on Main; changing to stage 2 costs 96 veh·s, holding stage 1 costs 140 veh·s"
    for ago_s, outcome, note in ((12, "confirmed", why), (70, "refused", "minimum green of stage 1 has 3 s to go")):
        begins = NOW_MS // 1000 - ago_s
        FastEvent.objects.create(
            at=EVENING - timedelta(seconds=ago_s), asset=junction, point="stage_plan", outcome=outcome, note=note,
            value=f"2@{begins} 1@{begins + 25}",
        )  # fmt: skip


def _announced(approaches: list[tuple[str, float]]) -> dict[str, object]:
    """Two stages: who heads north or south, and who heads east or west."""
    served = {1: [u for u, h in approaches if abs((h + 45) % 180) < 90], 2: []}
    served[2] = [uid for uid, _ in approaches if uid not in served[1]]
    return {
        "stages": [{"number": n, "name": f"Main {n}", "serves": dict.fromkeys(u, 1.0)} for n, u in served.items()],
        "conflicts": [[1, 2]],
        "intergreen_s": {"1": {"2": 5.0}, "2": {"1": 5.0}},
        "min_green_s": 5.0, "max_red_s": 120.0, "yellow_s": 3.0, "all_red_s": 2.0,
        "plan": {"number": 1, "green_s": {"1": 30.0, "2": 20.0}},
        "approaches": {
            uid: {
                "storage": 20.0, "saturation": 0.5, "crossing": True, "downstream": [],
                "groups": [{"lanes": 1, "share": 1.0, "rates": {str(stage): 1.0}}],
            }
            for stage, mine in served.items()
            for uid in mine
        },
    }  # fmt: skip


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


def _sums() -> None:
    """The load of the city, of two feeders and of their transformers, a day ahead."""
    import numpy as np

    from smartcity.devices.models import Zone
    from smartcity.forecasting.models import ForecastNode, NodeForecast

    hours = np.arange(96) / 4
    zones = list(Zone.objects.values_list("code", flat=True))
    levels = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975]

    def node(label: str, level: str, parent: ForecastNode | None, members: int) -> ForecastNode:
        made = ForecastNode.objects.create(
            metric="energy.load_kw", kind="connection_point", key=label, level=level, label=label, parent=parent,
            zones=zones, members=members,
        )  # fmt: skip
        means = members * (20 + 8 * np.sin((hours - 9) * np.pi / 12))
        band = means * (1 + 0.3 / np.sqrt(members) * np.array([[-1.96], [-1.28], [-0.67], [0], [0.67], [1.28], [1.96]]))
        NodeForecast.objects.create(
            node=made, issued_at=NOW_MS, start=NOW_MS, step_s=900, levels=levels, means=means.tobytes(),
            values=band.astype("<f4").tobytes(), note="Made to add up by all levels together.",
        )  # fmt: skip
        return made

    city = node("The whole city", "city", None, 60)
    for name, size in (("Feeder 1", 40), ("Feeder 2", 20)):
        feeder = node(name, "feeder", city, size)
        for k in range(4):
            node(f"{name}, transformer {k + 1}", "transformer", feeder, size // 4)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
