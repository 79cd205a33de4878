# SPDX-License-Identifier: Apache-2.0
"""A city of several processes: which parts each kind has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from channels.db import database_sync_to_async
from starlette.responses import Response

from smartcity import frontdoor
from smartcity.asgi import application, django_application
from smartcity.control import leases
from smartcity.devices.naming import city_name
from smartcity.frontdoor import Receive, Scope, Send
from smartcity.kernel.clock import clock
from smartcity.processes import part
from smartcity.processes.city_time import CityTime
from smartcity.processes.intake import Intake
from smartcity.processes.keeper import Keeper
from smartcity.processes.part import Part, Say
from smartcity.processes.server_clock import ServerClock
from smartcity.processes.show import Web
from smartcity.processes.sides import Audience, Bench, Outlet
from smartcity.processes.wire import Wire
from smartcity.telemetry import upkeep

OWN_PATHS: Final = frozenset({"/api/v1/health", "/api/v1/metrics"})


async def web(address: str, port: int, say: Say, *, shares_port: bool) -> None:
    wire = Wire("web")
    audience = Audience(wire)
    parts = (
        CityTime(),
        ServerClock(),
        wire,
        audience,
        audience.show,
        Web(application, address, port, shares_port=shares_port),
    )
    await part.live(parts, say, _welcome("web", address, port))


async def ingest(address: str, port: int, say: Say, *, shares_port: bool) -> None:
    intake = Intake(keeps=False, shares_ports=shares_port)

    def describe() -> Mapping[str, Any]:
        health = intake.road.health()
        counts = {"readings_s": round(health.readings_s, 1), "lag_s": round(health.lag_s, 2)}
        return {"devices": len(intake.gateway.connected), "why_not_ready": intake.why_not_ready(), **counts}

    wire = Wire("ingest", describe)
    outlet = Outlet(wire, intake)
    store = intake.road.store
    jobs = {
        "sealing": lambda: upkeep.keep_sealed(store, clock.now_ms),
        "retention": lambda: upkeep.keep_retention(store, clock.now_ms),
    }
    door = Web(frontdoor.before(_only_its_own), address, port, shares_port=shares_port)
    parts: Sequence[Part] = (CityTime(), ServerClock(), wire, intake, outlet, Keeper(leases.UPKEEP, jobs), door)
    await part.live(parts, say, _welcome("ingest", address, port))


async def control(address: str, port: int, say: Say, *, shares_port: bool) -> None:
    wire = Wire("control", lambda: {"epoch": bench.steering.control.leader.epoch or 0})
    bench = Bench(wire)
    steering = bench.steering
    door = Web(frontdoor.before(_only_its_own), address, port, shares_port=shares_port)
    parts = (CityTime(lambda: steering.leads), ServerClock(), wire, bench, steering, door)
    await part.live(parts, say, _welcome("control", address, port))


async def _only_its_own(scope: Scope, receive: Receive, send: Send) -> None:
    """How this process is, for an account that may view; everything else is for the web processes."""
    if scope["type"] != "http":
        await send({"type": "websocket.close"})
    elif scope["path"].rstrip("/") in OWN_PATHS:
        await django_application(scope, receive, send)
    else:
        await Response("Pages and the REST interface are served by the web processes.", 404)(scope, receive, send)


def _welcome(kind: str, address: str, port: int) -> Callable[[], Any]:
    async def words() -> str:
        name = await database_sync_to_async(city_name)()
        return f"{name}: {kind} is running ({clock.mode}), {address}:{port}   Ctrl-C stops it."

    return words
