# SPDX-License-Identifier: Apache-2.0
"""Everything the process for phones answers to, and nothing else: a route that is added has to be added here too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import URLPattern, URLResolver

from smartcity.mobile import urls

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "/": {"GET"},
    "/alarms/": {"GET"},
    "/alarms/<int:number>/": {"GET"},
    "/settings/notifications/": {"GET"},
    "/sign-in/": {"GET", "POST"},
    "/sign-out/": {"POST"},
    "/manifest.webmanifest": {"GET"},
    "/sw.js": {"GET"},
    "/offline/": {"GET"},
    "/waste/crew/": {"GET"},
    "/waste/crew/<str:uid>/": {"GET"},
}
REST = {
    "/api/v1/alarms/": {"GET": "view"},
    "/api/v1/alarms/<int:pk>": {"GET": "view"},
    "/api/v1/alarms/<int:pk>/acknowledge": {"POST": "operate"},
    "/api/v1/push/key": {"GET": "view"},
    "/api/v1/push/subscriptions/": {"GET": "view", "POST": "view"},
    "/api/v1/push/subscriptions/<int:pk>": {"PATCH": "view", "DELETE": "view"},
    "/api/v1/push/test": {"POST": "view"},
    "/api/v1/waste/crew/<str:uid>": {"GET": "crew"},
    "/api/v1/waste/crew/<str:uid>/reports": {"POST": "crew"},
}
LOADED = """
import json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "smartcity.mobile.settings"
import smartcity.mobile.asgi
from django.urls import get_resolver
from django.conf import settings
from smartcity import declared
get_resolver().url_patterns
print(json.dumps([sorted(sys.modules), settings.INSTALLED_APPS, sorted(settings.DATABASES), settings.SECRET_KEY]))
"""


def routes(entries: list[URLPattern | URLResolver], prefix: str = "/") -> Iterator[tuple[str, URLPattern]]:
    for entry in entries:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield path, entry
        else:
            yield from routes(entry.url_patterns, path)


EVERY = dict(routes(urls.urlpatterns))


def test_there_is_no_route_but_those_listed_here():
    assert set(EVERY) == PAGES.keys() | REST.keys()


@pytest.mark.parametrize("path", REST)
def test_a_route_of_the_interface_takes_only_the_methods_listed_and_asks_for_their_grants(path):
    view = getattr(EVERY[path].callback, "cls")  # noqa: B009 Django's types know functions only
    methods = {name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)}
    assert {method: view.needs[method] for method in methods} == REST[path]


@pytest.mark.urls("smartcity.mobile.urls")
@pytest.mark.django_db
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", [path for path, methods in PAGES.items() if methods == {"GET"}])
def test_a_page_is_only_read(path, method, admin_client):
    answer = getattr(admin_client, method)(path.replace("<int:number>", "1").replace("<str:uid>", "RT-1"))
    assert answer.status_code == 405


@pytest.mark.urls("smartcity.mobile.urls")
@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    ["admin/", "commands/", "ledger/", "traffic/", "api/v1/commands/", "api/v1/assets", "api/v1/schema",
     "api/v1/alarms/1/shelve", "api/v1/push/mail", "api/v1/metrics", "api/v1/health", "ingest", "live"],
)  # fmt: skip
def test_what_the_console_has_is_not_here_even_for_an_administrator(path, admin_client):
    assert admin_client.get(f"/{path}").status_code == 404
    assert admin_client.post(f"/{path}", {}).status_code == 404


@pytest.fixture(scope="module")
def process():
    """What a process with these settings has loaded."""
    given = os.environ | {"SMARTCITY_MOBILE_SECRET_KEY": "of phones", "DATABASE_URL": "postgres://x@localhost/x"}
    done = subprocess.run([sys.executable, "-c", LOADED], cwd=ROOT, env=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "package",
    ["smartcity.control", "smartcity.ingest", "smartcity.realtime", "smartcity.transports", "smartcity.twin",
     "smartcity.city", "smartcity.api.admin", "django_tasks_db", "channels"],
)  # fmt: skip
def test_the_process_does_not_even_load_what_it_must_not_do(process, package):
    assert [name for name in process[0] if name == package or name.startswith(f"{package}.")] == []


def test_its_key_and_databases_are_its_own(process):
    assert process[2:] == [["default", "telemetry"], "of phones"]


async def test_a_websocket_is_refused(monkeypatch):
    from smartcity.mobile import asgi

    sent = []

    async def send(message):
        sent.append(message["type"])

    async def receive():
        return {"type": "websocket.connect"}

    await asgi.application({"type": "websocket", "path": "/live"}, receive, send)
    assert sent == ["websocket.close"]
