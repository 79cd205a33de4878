# SPDX-License-Identifier: Apache-2.0
"""From letters to downlinks: one for each, but one for all where a whole group is told the same."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from smartcity.transports.bridge.directory import NETWORKS, Address
from smartcity.transports.bridge.mapping import Group, Mapping, Source
from smartcity.transports.bridge.network import Downlink
from smartcity.transports.bridge.pending import Pending, network_id
from smartcity.transports.letters import Letter


@dataclass(frozen=True, slots=True)
class Now:
    """The same instant on both clocks: monotonic seconds and the date."""

    monotonic: float
    wall_ms: int


class Bundler:
    """Pure: `bundle` depends on nothing but what it is given and the mapping."""

    def __init__(self, mapping: Mapping) -> None:
        self._groups = [(group, mapping.source_of(group)) for group in mapping.groups]

    def bundle(self, letters: Sequence[tuple[Letter, Address]], now: Now) -> list[Pending]:
        """A group of which one member is told nothing, or something else, is told member by member."""
        left = {letter.device: letter for letter, _ in letters}
        found, grouped = list[Pending](), set[str]()
        for group, source in self._groups:
            members = [left[name] for name in group.members if name in left]
            if len(members) == len(group.members) and len({(one.point, one.payload) for one in members}) == 1:
                found.append(_for_group(group, source, tuple(members), now))
                grouped |= {letter.id for letter in members}
        return found + [_for_one(letter, address, now) for letter, address in letters if letter.id not in grouped]


def _for_one(letter: Letter, address: Address, now: Now) -> Pending:
    network, radio = address.network, address.radio
    assert network is not None
    downlink = Downlink(
        id=network_id(letter.id),
        frame=letter.payload,
        f_port=radio.f_port,
        confirmed=radio.confirmed,
        expires_at_ms=now.wall_ms + int(letter.expires_in_s * 1000),
    )
    sleeps = network.replaces and radio.device_class == "A"
    return Pending(
        downlink,
        network,
        address.application,
        address.name,
        (letter,),
        now.monotonic + letter.expires_in_s,
        sleeps=sleeps,
        is_in_queue=sleeps,
    )


def _for_group(group: Group, source: Source, letters: tuple[Letter, ...], now: Now) -> Pending:
    """Nobody confirms what is for many."""
    expires_in_s = min(letter.expires_in_s for letter in letters)
    downlink = Downlink(
        id=str(uuid.uuid4()),
        frame=letters[0].payload,
        f_port=group.f_port,
        confirmed=False,
        expires_at_ms=now.wall_ms + int(expires_in_s * 1000),
        gateways=group.gateways,
        api_url=source.api_url,
        api_token_file=source.api_token_file,
    )
    until = now.monotonic + expires_in_s
    application = group.application or source.application
    return Pending(downlink, NETWORKS[source.format], application, group.device, letters, until)
