# SPDX-License-Identifier: Apache-2.0
"""Which topic speaks for whom, and where a device is to be reached: the network's names and the city's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from smartcity.transports.bridge.chirpstack import ChirpStack
from smartcity.transports.bridge.mapping import DEVICE, Mapping, Radio, Source
from smartcity.transports.bridge.network import UP, Network, OnAir
from smartcity.transports.bridge.things_stack import ThingsStack
from smartcity.transports.bridge.topics import Pattern, pattern

NETWORKS: dict[str, Network] = {"chirpstack": ChirpStack(), "things_stack": ThingsStack()}
LONGEST_UID = 64
LONGEST_NAME = 120
MOST_ADDRESSES = 200_000


@dataclass(frozen=True, slots=True)
class Route:
    """`event` is up, ack or hello of a plain source, or an event of the network."""

    source: Source
    pattern: Pattern
    event: str


@dataclass(frozen=True, slots=True)
class Address:
    """Where a device is. `name` and `application` are the network's; `heard_ms` and `on_air` are of its last uplink."""

    uid: str
    source: Source
    name: str
    radio: Radio
    application: str = ""
    heard_ms: int = 0
    on_air: OnAir | None = None

    @property
    def network(self) -> Network | None:
        return NETWORKS.get(self.source.format)

    @property
    def takes_commands(self) -> bool:
        return self.network is not None or bool(self.source.command_topic)


class Directory:
    """Used from the event loop; `address` also from other threads."""

    def __init__(self, mapping: Mapping) -> None:
        self.routes = tuple(_routes(mapping))
        self._listed = mapping.listed()
        self._addresses: dict[str, Address] = {}
        self._know_the_listed(mapping)

    def find(self, topic: str) -> tuple[Route, Address] | None:
        """Who speaks on this topic; None when no source has it or no device can be called so."""
        for route in self.routes:
            names = route.pattern.match(topic)
            if names is not None:
                return self._found(route, names)
        return None

    def heard(self, address: Address, heard_ms: int, on_air: OnAir | None) -> None:
        """An uplink of a device: from now on it can be reached, the way it came. Late ones change nothing."""
        known = self._addresses.get(address.uid)
        has_place = known is not None or len(self._addresses) < MOST_ADDRESSES
        if address.takes_commands and has_place and heard_ms >= (known.heard_ms if known else 0):
            self._addresses[address.uid] = replace(address, heard_ms=heard_ms, on_air=on_air)

    def address(self, uid: str) -> Address | None:
        """Of a device that is listed or has been heard, and takes commands."""
        return self._addresses.get(uid)

    def known(self) -> frozenset[str]:
        """Every device that has an address."""
        return frozenset(self._addresses)

    def _found(self, route: Route, names: dict[str, str]) -> tuple[Route, Address] | None:
        name = names["device"].lower() if route.source.format == "chirpstack" else names["device"]
        listed = self._listed.get(name)
        uid = listed.uid if listed else route.source.uid.replace(DEVICE, name)
        if not 0 < len(uid) <= LONGEST_UID or "\0" in uid:
            return None
        known = self._addresses.get(uid)
        application = names.get("application", route.source.application)
        if known is not None and (known.source, known.name, known.application) == (route.source, name, application):
            return route, known
        radio = listed.radio if listed and listed.radio else route.source.radio
        return route, Address(uid, route.source, name, radio, application)

    def _know_the_listed(self, mapping: Mapping) -> None:
        """Where there is but one place a listed device can be, it need not be heard first."""
        places = [s for s in mapping.sources if s.command_topic or s.application]
        if len(mapping.sources) == len(places) == 1:
            source = places[0]
            for name, one in self._listed.items():
                radio = one.radio or source.radio
                self._addresses[one.uid] = Address(one.uid, source, name, radio, source.application)


def _routes(mapping: Mapping) -> Iterator[Route]:
    for source in mapping.sources:
        network = NETWORKS.get(source.format)
        topics = network.events if network else {UP: source.topic, "ack": source.ack_topic, "hello": source.hello_topic}
        for event, text in topics.items():
            if text and source.application:
                text = text.replace("{application}", source.application)
            if text:
                yield Route(source, pattern(text), event)
