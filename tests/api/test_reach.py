# SPDX-License-Identifier: Apache-2.0
"""Every path of the interface, walked by somebody whose grants lie elsewhere: nothing is shown, nothing is moved."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.gis.geos import Point
from django.db import connections

from smartcity.alarms.models import Alarm
from smartcity.api.models import AuditEntry, Grant
from smartcity.control.models import Baseline, Command, FastEvent, LedgerEntry, LockOut, Override
from smartcity.devices.models import Device, EngineeringRecord, GatewayToken, LegalHold, Series, Zone
from smartcity.forecasting.models import Event
from smartcity.kernel.clock import clock
from tests.api.test_every_route import REST, methods
from waste.models import Container, Truck

pytestmark = [pytest.mark.django_db(databases="__all__")]
ID = "00000000-0000-4000-8000-000000000001"
ELSEWHERE = {"another domain": ("lighting", ""), "another zone": ("", "north"), "both": ("waste", "north")}
LATER = "2098-01-01T00:00Z"
WHY = {"reason": "a look"}
DERBY = {"name": "x", "kind": "match", "start": clock.now_ms(), "end": clock.now_ms() + 3_600_000, "zone": "centre"}
WISH = {"asset": "H-1", "point": "collect", "value": 1, "until": LATER, **WHY}

# the path after /api/v1/ → a body that would be obeyed by somebody else, or comes as far as the question who asks
BODIES: dict[str, dict[str, object]] = {
    "clock/speed": {"ceiling": 2},
    "devices/": {"asset": "H-1", "uid": "new", "metrics": ["waste.fill_level"]},
    "gateways/": {"name": "mine", "devices": ["H-1"]},
    "engineering/": {"asset": "H-1", "data": {}, "basis": "none", **WHY},
    "engineering/sign": {"assets": ["H-1"], "valid_until": LATER, **WHY},
    "engineering/withdraw": {"assets": ["H-1"], **WHY},
    "holds/": {"owner": "Hidden", "from_at": "2020-01-01T00:00Z", "domain": "waste", "zone": "centre", **WHY},
    "commands/": WISH,
    "modes/": {"loop": "waste", "group": "centre", "mode": "local", **WHY},
    "overrides/": WISH,
    "overrides/preview": WISH,
    "lockouts/": {"asset": "H-1", **WHY},
    "baselines/": {"domain": "waste", "kpi": "x", "name": "x", "design": "x", "from": 0, "to": 86_400_000, **WHY},
    "forecasts/events": {**DERBY, "concerns": ["waste"], **WHY},
    "forecasts/events/<int:pk>": {**DERBY, "concerns": ["waste"], **WHY},
    "alarms/<int:pk>/shelve": {"note": "later", "until": "SOON"},
    "traffic/sheets/<str:uid>": {"sheet": {"version": 1}, "basis": "none", "after": 0},
    "traffic/sheets/<str:uid>/check": {"sheet": {"version": 1}},
    "waste/crew/<str:uid>/reports": {"id": ID, "container": "H-1", "outcome": "done"},
}
# are everybody's who may act anywhere: what they say is of the city, not of one place in it
OF_THE_CITY = {"schema", "docs", "health", "metrics", "clock", "retention/", "zones/", "metrics/"}
OF_THE_CALLER = {"push/key", "push/subscriptions/", "push/subscriptions/<int:pk>", "push/test", "push/mail"}
ROUTES = [(path.removeprefix("/api/v1/"), entry) for path, entry in REST]
PLACES = [(route, entry) for route, entry in ROUTES if route not in OF_THE_CITY | OF_THE_CALLER]


@pytest.fixture
def hidden():
    """One of everything, in the centre, of waste; all that tells of it says so, and has the id 1."""
    zone, now = Zone.objects.create(code="centre", name="Quarter"), clock.now()
    soon = now + timedelta(hours=1)
    Zone.objects.create(code="north", name="North")
    at = {"domain": "waste", "zone": zone, "geom": Point(24.94, 60.17, srid=4326)}
    bin_ = Container.objects.create(uid="H-1", kind="container", name="Hidden container", external_id="1", **at)
    truck = Truck.objects.create(uid="H-2", kind="truck", name="Hidden truck", external_id="2", **at)
    device = Device.objects.create(uid="H-1", asset=bin_, secret_sha256=b"h" * 32)
    Device.objects.create(uid="H-2", asset=truck)
    Series.objects.create(pk=1, device=device, metric="waste.fill_level")
    boss = get_user_model()._default_manager.create(username="hidden-boss", is_superuser=True)
    plan = {"asset": bin_, "point": "collect", "value": 1, "reason": "Hidden"}
    span = {"from_at": now - timedelta(days=1), "to_at": now}
    command = Command.objects.create(
        pk=ID, **plan, zone=zone, device=device, domain="waste", issuer="hidden-boss", batch="batch-1",
        created_at=now, expires_at=soon,
    )  # fmt: skip
    Override.objects.create(pk=1, **plan, owner=boss, since=now, until=soon, command=command)
    LockOut.objects.create(pk=1, asset=bin_, owner=boss, reason="Hidden", placed_at=now)
    FastEvent.objects.create(at=now, asset=bin_, point="collect", value=1, outcome="sent", note="Hidden")
    Baseline.objects.create(
        domain="waste", kpi="x", name="Hidden", value=1, design="x", stored_by="x", stored_at=now, **span
    )
    LedgerEntry.objects.create(domain="waste", kpi="x", title="Hidden", unit="1", baseline_name="x", **span)
    EngineeringRecord.objects.create(
        asset=bin_, data={"Hidden": 1}, basis="Hidden", signed_by="hidden-boss", signed_at=now, valid_until=soon
    )
    LegalHold.objects.create(pk=1, owner="Hidden", reason="x", domain="waste", zone="centre", from_at=now, set_by="x")
    GatewayToken.objects.create(pk=1, name="Hidden", token_sha256=b"g" * 32).devices.add(device)
    Alarm.objects.create(
        pk=1, rule="waste.overfull", asset=bin_, zone=zone, domain="waste", severity=2, text="Hidden", raised_at=now
    )
    Event.objects.create(
        pk=1, name="Hidden", kind="match", start=clock.now_ms(), end=clock.now_ms() + 3_600_000, zone=zone, reason="x",
        concerns=["waste"], owner="hidden-boss", entered_at=0,
    )  # fmt: skip
    names = "id, device, uid, received_at, transport, codec, kind, reason, readings, payload, size, digest"
    with connections["telemetry"].cursor() as cursor:
        row: list[Any] = [1, device.pk, "H-1", 1, "mqtt", "senml", "bad payload", "Hidden", 0, b"", 6, "d"]
        cursor.execute(f"INSERT INTO quarantine ({names}) VALUES ({', '.join(['%s'] * len(row))})", row)


@pytest.fixture
def somebody(client):
    """Who may do everything, where it is said."""

    def made(domain, zone):
        anna = get_user_model()._default_manager.create(username=f"anna-{domain}-{zone}")
        Grant.objects.bulk_create(Grant(user=anna, action=a, domain=domain, zone=zone) for a in Grant.Action.values)
        client.force_login(anna)
        return client

    return made


def ask(client, route, method):
    """The answer and what was asked, to tell an echo from news."""
    concrete = re.sub(r"<uuid:\w+>", ID, re.sub(r"<int:\w+>", "1", route))
    concrete = re.sub(r"<slug:\w+>", "waste", concrete).replace("<str:batch>", "batch-1")
    concrete = concrete.replace("<str:uid>", "H-2" if "crew" in route else "H-1")
    query = "?asset=H-1" if route == "engineering/" else ""
    body = json.dumps({"confirm": True, **WHY} | BODIES.get(route, {})) if method != "get" else ""
    body = body.replace("SOON", (clock.now() + timedelta(hours=1)).isoformat())
    answer = getattr(client, method)(f"/api/v1/{concrete}{query}", data=body, content_type="application/json")
    return answer, f"{concrete}{query}{body}"


@pytest.mark.parametrize(("domain", "zone"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_whose_grants_lie_elsewhere_is_shown_nothing_and_moves_nothing(hidden, somebody, domain, zone):
    client, found = somebody(domain, zone), []
    for route, entry in PLACES:
        for method in methods(entry):
            answer, asked = ask(client, route, method)
            text = answer.content.decode()
            news = [word for word in ("Hidden", "hidden-boss", "H-1", "H-2") if word in text and word not in asked]
            if answer.status_code >= 500 or (news and not is_meant(route, zone, domain)):
                found.append(f"{method.upper()} {route}: {answer.status_code} says {news} {text[:200]}")
            if method != "get" and answer.status_code < 300 and route not in {"clock/speed", "return-to-local/"}:
                found.append(f"{method.upper()} {route}: {answer.status_code} {text[:200]}")
    assert found == []
    moved = {entry.subject for entry in AuditEntry.objects.all()}
    assert not {subject for subject in moved if "H-" in subject or "centre" in subject}
    assert Override.objects.get().ended_at is None and LockOut.objects.get().lifted_at is None
    assert Event.objects.get().cancelled_at is None
    assert Command.objects.count() == 1 and Alarm.objects.get().acknowledged_at is None


def is_meant(route, zone, domain):
    """A figure of the ledger is of all zones: who may see any of the domain's sees it."""
    return route in {"ledger/", "baselines/"} and domain in ("", "waste")


SHOWN = (
    "map/<slug:domain>", "assets/", "devices/", "devices/<str:uid>", "gateways/", "engineering/",
    "assets/<str:uid>", "quarantine/", "holds/", "commands/", "commands/<uuid:pk>", "overrides/", "lockouts/",
    "events/", "ledger/", "baselines/", "return-to-local/<str:batch>", "alarms/", "alarms/<int:pk>",
    "waste/crew/<str:uid>", "forecasts/events", "forecasts/events/<int:pk>",
)  # fmt: skip


def test_whose_grants_lie_here_is_shown_all_of_it(hidden, somebody):
    """Else the walk above would prove nothing."""
    client, silent = somebody("waste", "centre"), []
    for route in SHOWN:
        answer, _ = ask(client, route, "get")
        if answer.status_code != 200 or not re.search("Hidden|hidden|H-1|H-2", answer.content.decode()):
            silent.append(f"{route}: {answer.status_code} {answer.content[:200]!r}")
    assert silent == []
    for route in ("series/<int:series_id>/readings", "series/<int:series_id>/completeness"):
        assert ask(client, route, "get")[0].status_code == 200
    obeyed = {
        route for route, entry in PLACES if "post" in methods(entry) and ask(client, route, "post")[0].status_code < 300
    }
    assert obeyed >= {
        "lockouts/<int:pk>/lift", "alarms/<int:pk>/acknowledge", "alarms/<int:pk>/shelve", "holds/<int:number>/lift",
        "gateways/<int:pk>/revoke", "devices/<str:uid>/rotate", "devices/<str:uid>/retire", "overrides/preview",
        "waste/crew/<str:uid>/reports", "engineering/withdraw", "forecasts/events", "forecasts/events/<int:pk>/cancel",
    }  # fmt: skip
