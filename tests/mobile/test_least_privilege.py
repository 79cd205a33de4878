# SPDX-License-Identifier: Apache-2.0
"""The pages for phones under the role of deploy/postgresql-mobile.sql, on a real PostgreSQL; what it may not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core import signing

from tests.mobile.front import front
from tests.servers import city_tables

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow  # a PostgreSQL with a city's tables in it
GRANTS = ROOT / "deploy/postgresql-mobile.sql"
KEY, COOKIES = "of this test only", "django.contrib.sessions.backends.signed_cookies"
PASSWORD, ROLE_PASSWORD = "a long enough word", "of the role"
SETUP = f"""
from datetime import datetime, timedelta, UTC
from django.contrib.auth import get_user_model
from django.contrib.gis.geos import Point
from django.db import connections
from smartcity.alarms.models import Alarm
from smartcity.api.models import Grant
from smartcity.devices.credentials import digest
from smartcity.devices.models import Device, Series, Zone
from waste.models import Container, Truck
zone = Zone.objects.create(code="centre", name="Kluuvi")
at = dict(domain="waste", zone=zone, geom=Point(24.94, 60.17, srid=4326))
bin = Container.objects.create(uid="C-1", kind="container", name="Container 1", external_id="1", **at)
truck = Truck.objects.create(uid="RT-1", kind="truck", name="Truck 1", external_id="2", **at)
Device.objects.create(uid="RT-1", asset=truck, secret_sha256=digest("ab" * 32),
                      announced={{"route": {{"led_by": "centre", "next": "C-1", "left": [], "done": []}}}})
device = Device.objects.create(uid="C-1", asset=bin, secret_sha256=digest("cd" * 32))
series = Series.objects.create(device=device, metric="waste.fill_level")
with connections["telemetry"].cursor() as cursor:
    cursor.execute("INSERT INTO latest (series, at, value, quality, received_at) VALUES (%s, 1, 64, 0, 1)", [series.pk])
now = datetime.now(UTC)
Alarm.objects.create(rule="waste.overfull", asset=bin, zone=zone, domain="waste", severity=2,
                     text="Container 1 is full", raised_at=now - timedelta(minutes=9))
user = get_user_model().objects.create_user("mara", password="{PASSWORD}")
for action in ("view", "operate", "crew"):
    Grant.objects.create(user=user, action=action)
"""
MAY_READ = {
    "auth_user", "auth_group", "auth_user_groups", "api_grant", "alarms_alarm", "devices_asset", "devices_zone",
    "devices_cityimport", "devices_series", "alarms_pushsubscription", "waste_truck", "waste_container",
    "waste_unloadsite", "waste_stopreport", "latest",
}  # fmt: skip
MAY_WRITE = {"INSERT": {"api_auditentry", "alarms_pushsubscription", "alarms_notice", "waste_stopreport"}}
MAY_WRITE |= {"UPDATE": {"alarms_pushsubscription"}, "DELETE": {"alarms_pushsubscription"}, "TRUNCATE": set()}
SOME_COLUMNS = {
    ("SELECT", "api_auditentry"): {"id"},
    ("SELECT", "alarms_notice"): {"id", "subscription_id"},
    ("SELECT", "devices_device"): {"id", "uid", "asset_id", "retired_at", "announced"},
    ("UPDATE", "auth_user"): {"last_login"},
    ("UPDATE", "alarms_alarm"): {"acknowledged_at", "acknowledged_by", "note", "changed"},
    ("UPDATE", "alarms_notice"): {"subscription_id"},
}
OF_POSTGIS = {"geography_columns", "geometry_columns", "spatial_ref_sys"}  # everybody may read these


def psql(url: str, file: Path) -> None:
    program = shutil.which("psql", path="/usr/bin:/usr/lib/postgresql/15/bin") or "psql"
    subprocess.run([program, url, "-q", "-f", str(file)], check=True, capture_output=True, text=True)


@pytest.fixture(scope="module")
def database():
    """A server with the names the file has, a city's tables in it, and the role; yields its address without a name."""
    with city_tables() as url:
        given = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "smartcity.settings"}
        _manage(given, "shell", "-v0", "-c", SETUP)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE smartcity_mobile LOGIN PASSWORD '{ROLE_PASSWORD}'")
        psql(url, GRANTS)
        psql(url, GRANTS)  # after an upgrade it is run again
        yield url.rpartition("/")[0]


def _manage(given: dict[str, str], *command: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", *command], cwd=ROOT, env=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def as_role(server: str) -> str:
    parts = urlsplit(server)
    return f"postgres://smartcity_mobile@{parts.hostname}:{parts.port}"


@pytest.fixture(scope="module")
def phones(database, tmp_path_factory):
    """The process, under the role, with its password in a file and no secret of the city but its own."""
    var = tmp_path_factory.mktemp("mobile")
    (var / "password").write_text(ROLE_PASSWORD)
    with front(
        var,
        DATABASE_URL=f"{as_role(database)}/smartcity",
        DATABASE_PASSWORD_FILE=str(var / "password"),
        SMARTCITY_MOBILE_SECRET_KEY=KEY,
        SMARTCITY_VAPID_PUBLIC_KEY="BKey",
    ) as started:
        yield started


@pytest.fixture
def mara(phones):
    with phones.sign_in("mara", PASSWORD) as browser:
        yield browser


def test_an_alarm_is_read_and_taken(mara, database):
    (alarm,) = mara.get("/api/v1/alarms/").json()["results"]
    assert alarm["text"] == "Container 1 is full" and alarm["lat"] == 60.17
    for page in (
        "/alarms/",
        f"/alarms/{alarm['id']}/",
        "/settings/notifications/",
        "/offline/",
        "/manifest.webmanifest",
    ):
        assert mara.get(page).status_code == 200, page
    assert mara.get("/").headers["location"] == "/alarms/"
    taken = mara.post(f"/api/v1/alarms/{alarm['id']}/acknowledge", json={"note": "on my way"})
    assert taken.json()["acknowledged_by"] == "mara"
    with psycopg.connect(f"{database}/smartcity") as city:
        assert city.execute("SELECT who, action, reason FROM api_auditentry").fetchall() == [
            ("mara", "acknowledge alarm", "on my way")
        ]


def test_a_crew_sees_its_round_with_levels_and_reports_a_stop(mara):
    assert "RT-1" in mara.get("/waste/crew/").text
    assert mara.get("/waste/crew/RT-1/").status_code == 200
    (stop,) = mara.get("/api/v1/waste/crew/RT-1").json()["stops"]
    assert (stop["uid"], stop["level"]) == ("C-1", 64)
    tap = {"id": "00000000-0000-4000-8000-000000000001", "container": "C-1", "outcome": "done", "ago_s": 5}
    assert [mara.post("/api/v1/waste/crew/RT-1/reports", json=tap).status_code for _ in range(2)] == [201, 200]


def test_a_phone_is_subscribed_tried_and_forgotten(mara, database):
    assert mara.get("/api/v1/push/key").json() == {"key": "BKey"}
    browser = {"endpoint": "https://fcm.googleapis.com/fcm/send/abc", "p256dh": _public_key(), "auth": "A" * 22}
    made = mara.post("/api/v1/push/subscriptions/", json=browser)
    assert made.status_code == 201, made.text
    assert mara.post("/api/v1/push/subscriptions/", json=browser).status_code == 200
    assert mara.post("/api/v1/push/test").status_code == 202
    one = f"/api/v1/push/subscriptions/{made.json()['id']}"
    assert mara.patch(one, json={"worst_only": 1}).json()["worst_only"] == 1
    assert mara.delete(one).status_code == 204
    with psycopg.connect(f"{database}/smartcity") as city:
        assert city.execute("SELECT channel, subscription_id FROM alarms_notice").fetchall() == [("push", None)]


def _public_key() -> str:
    from base64 import urlsafe_b64encode

    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return urlsafe_b64encode(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)).rstrip(b"=").decode()


def test_who_is_not_signed_in_or_mistypes_sees_the_door_only(phones):
    import httpx

    with httpx.Client(base_url=phones.url, headers={"Origin": phones.url, "Referer": phones.url}) as stranger:
        assert stranger.get("/alarms/").headers["location"] == "/sign-in/?next=/alarms/"
        assert stranger.get("/api/v1/alarms/").status_code == 401
        assert stranger.get("/api/v1/alarms/", headers={"Authorization": "Bearer " + "a" * 64}).status_code == 401
        token = re.findall(r'csrfmiddlewaretoken" value="(\w+)"', stranger.get("/sign-in/").text)[0]
        for name in ("mara", "nobody"):
            form = {"username": name, "password": "wrong", "csrfmiddlewaretoken": token}
            assert "do not match" in stranger.post("/sign-in/", data=form).text
    assert "Traceback" not in phones.said(), phones.said()


def test_a_session_counts_only_with_the_key_of_this_process(phones):
    with phones.sign_in("mara", PASSWORD) as browser:
        held = signing.loads(browser.cookies["mobile_session"], key=KEY, salt=COOKIES)
        for key, answer in ((KEY, 200), ("of the console", 302)):
            browser.cookies.clear()
            browser.cookies.set("mobile_session", signing.dumps(held, key=key, salt=COOKIES))
            assert browser.get("/alarms/").status_code == answer, key


def test_signing_out_ends_the_session(phones):
    with phones.sign_in("mara", PASSWORD) as browser:
        assert browser.cookies.get("mobile_session")
        form = {"csrfmiddlewaretoken": browser.headers["X-CSRFToken"]}
        assert browser.post("/sign-out/", data=form).status_code == 302
        assert browser.get("/alarms/").status_code == 302


@pytest.fixture(scope="module")
def role(database):
    def connect(name: str) -> psycopg.Connection:
        return psycopg.connect(f"{as_role(database)}/{name}", password=ROLE_PASSWORD, autocommit=True)

    return connect


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT secret_sha256 FROM devices_device",
        "SELECT * FROM devices_device",
        "SELECT * FROM api_apitoken",
        "SELECT * FROM api_auditentry",
        "DELETE FROM api_auditentry",
        "SELECT * FROM control_command",
        "INSERT INTO control_command DEFAULT VALUES",
        "SELECT * FROM django_session",
        "INSERT INTO django_session VALUES ('a', 'b', now())",
        "UPDATE auth_user SET password = ''",
        "UPDATE auth_user SET is_superuser = true",
        "INSERT INTO api_grant (action, domain, zone, user_id) VALUES ('operate', '', '', 1)",
        "UPDATE alarms_alarm SET cleared_at = now()",
        "DELETE FROM alarms_alarm",
        "UPDATE waste_stopreport SET outcome = 'done'",
        "CREATE TABLE public.mine (n int)",
        "CREATE TEMPORARY TABLE mine (n int)",
        "CREATE EXTENSION dblink",
        "COPY alarms_alarm TO '/tmp/mine'",
    ],
)
def test_the_role_may_not(role, statement):
    with role("smartcity") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


def test_the_role_reads_no_history_and_no_tasks(role):
    with role("smartcity_telemetry") as connection:
        assert connection.execute("SELECT value FROM latest").fetchall() == [(64.0,)]
        for table in ("reading", "quarantine", "sealed", "rollup_15m"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT * FROM {table}")
    with pytest.raises(psycopg.OperationalError, match="CONNECT privilege"):
        role("smartcity_tasks")


@pytest.mark.parametrize("name", ["smartcity", "smartcity_telemetry"])
def test_no_table_is_open_to_the_role_but_those_named_here(role, name):
    """Also one that a later version brings: whoever adds it decides here."""
    sql = "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' "
    sql += "AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND has_table_privilege(c.oid, %s)"
    with role(name) as connection:
        found = {kind: {row[0] for row in connection.execute(sql, [kind])} for kind in ("SELECT", *MAY_WRITE)}
        assert found["SELECT"] - OF_POSTGIS <= MAY_READ
        assert {kind: tables - MAY_WRITE[kind] for kind, tables in found.items() if kind != "SELECT"} == {
            kind: set() for kind in MAY_WRITE
        }
        columns: dict[tuple[str, str], set[str]] = {}
        sql = "SELECT privilege_type, table_name, column_name FROM information_schema.column_privileges "
        sql += "WHERE grantee = 'smartcity_mobile'"
        for kind, table, column in connection.execute(sql):
            if table not in found.get(kind, ()):
                columns.setdefault((kind, table), set()).add(column)
        assert columns == (SOME_COLUMNS if name == "smartcity" else {})
