# SPDX-License-Identifier: Apache-2.0
"""Where messages come in: the doors for devices, the one road behind them, and the store at its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings

from smartcity import frontdoor
from smartcity.control.acks import AckMessage
from smartcity.hearts import Hearts
from smartcity.ingest import bridging, coap_door
from smartcity.ingest import pipeline as pipelines
from smartcity.ingest.pipeline import Committed
from smartcity.kernel.clock import clock
from smartcity.processes.part import Part, Work
from smartcity.telemetry import upkeep
from smartcity.transports.http import Ingest
from smartcity.transports.inbox import BoundedInbox
from smartcity.transports.mqtt import encryption
from smartcity.transports.mqtt.gateway import Gateway


def _nothing(news: Any) -> None:
    pass


class Intake(Part):
    """`on_commit` and `on_ack` may be set until it is opened. Several may share a port with `shares_ports`; then one of
    them does what only one should (`keeps` false here, processes.keeper for that)."""

    def __init__(self, *, keeps: bool = True, shares_ports: bool = False) -> None:
        self.on_commit: Callable[[Committed], None] = _nothing
        self.on_ack: Callable[[list[AckMessage]], None] = _nothing
        self.keeps, self.shares_ports = keeps, shares_ports
        self.inbox = BoundedInbox()
        self.road = pipelines.build(
            self.inbox, lambda news: self.on_commit(news), lambda acks: self.on_ack(acks), _nothing
        )
        registry = self.road.registry
        self.gateway = Gateway(self.inbox, registry, city_ms=clock.now_ms)
        self.encryption = encryption.offered(
            settings.MQTT_CERTIFICATE,
            settings.MQTT_KEY,
            client_ca=settings.MQTT_CLIENT_CA,
            certificates_only=settings.MQTT_CERTIFICATES_ONLY,
        )
        self.http = Ingest(self.inbox, registry, city_ms=clock.now_ms)
        self.coap = coap_door.build(self.inbox, registry, city_ms=clock.now_ms)
        self.bridge = bridging.build(self.inbox, registry, city_ms=clock.now_ms)
        registry.on_revoked = self.gateway.disconnect

    async def open(self) -> None:
        await self.road.open()
        await self.listen()
        frontdoor.ingest = self.http

    async def listen(self) -> None:
        """In the clear on one address, by default the loopback; with TLS beside it where a certificate is given, and
        by CoAP where an address for it is."""
        host, _, port = settings.MQTT_ADDRESS.rpartition(":")
        await self.gateway.serve(host, int(port), shares_port=self.shares_ports)
        if self.encryption:
            host, _, port = settings.MQTT_TLS_ADDRESS.rpartition(":")
            await self.gateway.serve(host, int(port), self.encryption, shares_port=self.shares_ports)
        if self.coap:
            await coap_door.listen(self.coap)

    def work(self, hearts: Hearts) -> list[Work]:
        works = [
            hearts.run("pipeline", self.road.run),
            hearts.run("rollups", lambda: upkeep.keep_rollups(self.road.store, clock.now_ms)),
        ]
        if self.bridge:
            works.append(hearts.run("bridge", self.bridge.run))
        if self.keeps:
            works.append(hearts.run("sealing", lambda: upkeep.keep_sealed(self.road.store, clock.now_ms)))
            works.append(hearts.run("retention", lambda: upkeep.keep_retention(self.road.store, clock.now_ms)))
        return works

    async def close(self) -> None:
        await self.gateway.close()
        if self.coap:
            await self.coap.close()
        await self.road.close()

    def vitals(self) -> Mapping[str, Callable[[], Any]]:
        return {
            "pipeline": self.road.health,
            "device_clocks": self.road.clock_health,
            "gateway": lambda: self.gateway.counters,
            "http": lambda: {"answers": self.http.answers},
            "coap": lambda: self.coap.counters if self.coap else None,
            "bridge": lambda: self.bridge.health() if self.bridge else None,
        }

    def why_not_ready(self) -> str:
        return "the telemetry database takes nothing" if self.road.health().database_down_s else ""
