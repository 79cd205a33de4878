# SPDX-License-Identifier: Apache-2.0
"""Commands into LoRaWAN: what is with the network already, what a group can be told at once, and what airtime is left.

The network's queue is no store of ours: the command table is. What is said here again under the same id is with the
network already, until that says it has let go of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from smartcity.transports.bridge import fates
from smartcity.transports.bridge.airtime import RX2_HZ, Airtime, Band, Spent, band_of, time_on_air_s
from smartcity.transports.bridge.directory import NETWORKS, Address, Directory
from smartcity.transports.bridge.fates import UNCONFIRMED, Answer
from smartcity.transports.bridge.mapping import Group, Mapping, Source
from smartcity.transports.bridge.network import Downlink, Fate, Network, OnAir, Told
from smartcity.transports.bridge.postbox import Publication
from smartcity.transports.letters import Letter, Posted

LONGEST_FRAME = 242
NAMES = uuid.UUID("3f0f1d52-9c1c-4a37-9d35-5d2c0f7b9a61")  # of ids that are no UUID themselves


@dataclass(slots=True)
class Pending:
    """A downlink the network has had. `letters` are the commands it carries, one for each device of a group.

    `is_in_queue` until it is transmitted to a device that `sleeps`, whose queue at the network may be put anew as a
    whole. What `is_over` is kept until it would have run out: it may be asked for once more before its end is known.
    """

    downlink: Downlink
    network: Network
    topic: dict[str, str]
    letters: tuple[Letter, ...]
    until: float
    spent: list[Spent] = field(default_factory=list)
    sleeps: bool = False
    is_in_queue: bool = False
    is_over: bool = False

    @property
    def place(self) -> tuple[str, str]:
        return self.topic["application"], self.topic["device"]


@dataclass(frozen=True, slots=True)
class Clocks:
    """`monotonic` counts seconds, `wall_ms` is the date, `time_of_day` says such a date as HH:MM in the city."""

    monotonic: Callable[[], float]
    wall_ms: Callable[[], int]
    time_of_day: Callable[[int], str]


class Downlinks:
    """Used from the event loop only. Takes letters, gives publications and answers."""

    def __init__(self, mapping: Mapping, directory: Directory, clocks: Clocks) -> None:
        self.airtime = Airtime(mapping.airtime.share)
        self.refused_for_airtime = 0
        self._rx2 = OnAir("", RX2_HZ, mapping.airtime.rx2_spreading)
        self._groups = [(group, _source_of(group, mapping)) for group in mapping.groups]
        self._directory = directory
        self._clocks = clocks
        self._pending: dict[str, Pending] = {}
        self._unproven: dict[str, list[Answer]] = {}

    def __len__(self) -> int:
        return sum(not pending.is_over for pending in self._pending.values())

    def post(self, letters: Sequence[tuple[Letter, Address]]) -> tuple[dict[str, Posted], list[Publication]]:
        """What becomes of each letter, by its id, and what to tell the network."""
        fresh = [(letter, address) for letter, address in letters if _network_id(letter.id) not in self._pending]
        posted = {letter.id: Posted.SENT for letter, _ in letters}
        added: list[Pending] = []
        for pending in self._bundled(fresh):
            refusal = self._refusal(pending)
            if refusal:
                posted |= {letter.id: Posted.refused(refusal) for letter in pending.letters}
            else:
                self._pending[pending.downlink.id] = pending
                added.append(pending)
        return posted, self._publications(added)

    def told(self, address: Address, told: Told) -> list[Answer]:
        """What the network says of a downlink; `address` is whose event it is."""
        pending = self._pending.get(told.id)
        letters = pending.letters if pending else ()
        about = [(letter.device, letter.id) for letter in letters] or [(address.uid, told.id)]
        confirmed = pending.downlink.confirmed if pending else address.radio.confirmed
        if pending:
            self._follow(pending, told)
        state, reason = fates.in_words(told, confirmed, self._clocks.wall_ms(), self._clocks.time_of_day)
        answers = [Answer(device, one, state, reason, told.at_ms) for device, one in about]
        if told.fate is Fate.TRANSMITTED and not confirmed:
            for answer in answers:
                self._unproven.setdefault(answer.device, []).append(answer)
        return answers

    def heard(self, device: str) -> list[Answer]:
        """The device has spoken since: what was transmitted to it unconfirmed is now for its readings to prove."""
        return [
            Answer(one.device, one.id, UNCONFIRMED, one.reason, one.at_ms) for one in self._unproven.pop(device, ())
        ]

    def lost(self, about: Iterable[tuple[str, str]]) -> None:
        """The broker did not pass it on: it may be said again."""
        for _, one in about:
            self._let_go(_network_id(one), is_wasted=True)

    def withdraw_expired(self) -> list[Publication]:
        """What has run out leaves our memory, and the network's queue where that knows no expiry."""
        now = self._clocks.monotonic()
        over = [pending for pending in self._pending.values() if pending.until <= now]
        for pending in over:
            self._let_go(pending.downlink.id, is_wasted=False)
        places = {pending.place: pending for pending in over if pending.is_in_queue}
        return [self._whole_queue(pending) for pending in places.values()]

    # inside

    def _bundled(self, letters: Sequence[tuple[Letter, Address]]) -> list[Pending]:
        """One downlink a letter, but one for all where a group's every member is told the same."""
        left = {letter.device: (letter, address) for letter, address in letters}
        found, grouped = [], set[str]()
        for group, source in self._groups:
            members = [left[name][0] for name in group.members if name in left]
            if len(members) == len(group.members) and len({(one.point, one.payload) for one in members}) == 1:
                found.append(self._for_group(group, source, tuple(members)))
                grouped |= {letter.id for letter in members}
        return found + [self._for_one(one, address) for one, address in letters if one.id not in grouped]

    def _for_one(self, letter: Letter, address: Address) -> Pending:
        network = address.network
        assert network is not None
        radio = address.radio
        downlink = Downlink(
            id=_network_id(letter.id),
            frame=letter.payload,
            f_port=radio.f_port,
            confirmed=radio.confirmed,
            expires_at_ms=self._clocks.wall_ms() + int(letter.expires_in_s * 1000),
        )
        topic = {"application": address.application, "device": address.name}
        until = self._clocks.monotonic() + letter.expires_in_s
        sleeps = network.replaces and radio.device_class == "A"
        return Pending(downlink, network, topic, (letter,), until, sleeps=sleeps, is_in_queue=sleeps)

    def _for_group(self, group: Group, source: Source, letters: tuple[Letter, ...]) -> Pending:
        expires_in_s = min(letter.expires_in_s for letter in letters)
        downlink = Downlink(
            id=str(uuid.uuid4()),
            frame=letters[0].payload,
            f_port=group.f_port,
            confirmed=False,
            expires_at_ms=self._clocks.wall_ms() + int(expires_in_s * 1000),
            gateways=group.gateways,
        )
        topic = {"application": group.application or source.application, "device": group.device}
        return Pending(downlink, NETWORKS[source.format], topic, letters, self._clocks.monotonic() + expires_in_s)

    def _refusal(self, pending: Pending) -> str:
        """Why it cannot go out, as a sentence; else its airtime is spent."""
        size = len(pending.downlink.frame)
        if not 0 < size <= LONGEST_FRAME:
            return f"a LoRaWAN frame has 1 to {LONGEST_FRAME} bytes, this command {size}"
        now, costs = self._clocks.monotonic(), self._costs(pending)
        for gateway, band, seconds in costs:
            wait_s = self.airtime.wait_s(gateway, band, seconds, now)
            if wait_s:
                self.refused_for_airtime += len(pending.letters)
                return self._exhausted(gateway, band, wait_s, now)
        pending.spent = [self.airtime.spend(gateway, band, seconds, now) for gateway, band, seconds in costs]
        return ""

    def _costs(self, pending: Pending) -> list[tuple[str, Band, float]]:
        """(gateway, band, seconds): as the last uplink came for who listens after it, else in the second window."""
        address = self._directory.address(pending.letters[0].device)
        heard = address.on_air if address else None
        on_air = self._rx2
        if address and address.radio.device_class == "A" and not pending.downlink.gateways and heard:
            on_air = heard if heard.frequency_hz else self._rx2
        gateways = pending.downlink.gateways or ((heard.gateway,) if heard else ("",))
        seconds = time_on_air_s(len(pending.downlink.frame), on_air.spreading, on_air.bandwidth_hz)
        band = band_of(on_air.frequency_hz)
        return [(gateway, band, seconds) for gateway in gateways] if band else []

    def _exhausted(self, gateway: str, band: Band, wait_s: float, now: float) -> str:
        budget = self.airtime.budget_s(band)
        used = self.airtime.used_s(gateway, band, now)
        name = f"gateway {gateway}" if gateway else "the gateway"
        if wait_s == float("inf"):
            return f"{name}: the command is longer on air than the {budget:.1f} s an hour that {band} allows"
        again = self._clocks.time_of_day(self._clocks.wall_ms() + int(wait_s * 1000))
        return (
            f"{name} has no airtime left in {band}: {used:.1f} of {budget:.1f} s used within the hour, room at {again}"
        )

    def _publications(self, added: Sequence[Pending]) -> list[Publication]:
        found, queues = [], dict[tuple[str, str], Pending]()
        for pending in added:
            if pending.is_in_queue:
                self._supersede(pending)
                queues[pending.place] = pending
            else:
                found += self._messages(pending, [pending], replaces=False)
        return found + [self._whole_queue(pending) for pending in queues.values()]

    def _supersede(self, newer: Pending) -> None:
        """An older command on the same point, still in the queue, is not to arrive after the newer one is asked."""
        point = newer.letters[0].point
        for key, older in list(self._pending.items()):
            if older is not newer and older.place == newer.place and older.letters[0].point == point:
                self._let_go(key, is_wasted=True)

    def _whole_queue(self, of: Pending) -> Publication:
        """What the device's queue is to hold from now on."""
        rest = [one for one in self._pending.values() if one.place == of.place and one.is_in_queue]
        (publication,) = self._messages(of, rest, replaces=True)
        return publication

    def _messages(self, of: Pending, downlinks: Sequence[Pending], *, replaces: bool) -> list[Publication]:
        topic = of.network.command_topic(replaces=replaces)
        for name, text in of.topic.items():
            topic = topic.replace(f"{{{name}}}", text)
        about = tuple((letter.device, letter.id) for one in downlinks for letter in one.letters)
        until = max((one.until for one in downlinks), default=self._clocks.monotonic() + 60.0)
        payloads = of.network.write(of.topic["device"], [one.downlink for one in downlinks])
        return [Publication(topic, payload, until, about) for payload in payloads]

    def _follow(self, pending: Pending, told: Told) -> None:
        """What the network has told changes what we know of its queue and of the air."""
        if told.fate is Fate.TRANSMITTED:
            now, size = self._clocks.monotonic(), len(pending.downlink.frame)
            for entry in pending.spent:
                self.airtime.correct(entry, told.on_air, size, now)
            pending.spent, pending.is_in_queue = [], False
        elif told.fate is Fate.TRIED_AGAIN:
            pending.is_in_queue = pending.sleeps
        elif told.fate is Fate.UNCONFIRMED:
            self._let_go(pending.downlink.id, is_wasted=False)
        else:
            pending.is_over, pending.is_in_queue = True, False
            if told.fate is not Fate.CONFIRMED:
                self._refund(pending)

    def _let_go(self, network_id: str, *, is_wasted: bool) -> None:
        pending = self._pending.pop(network_id, None)
        if pending is not None and is_wasted:
            self._refund(pending)

    def _refund(self, pending: Pending) -> None:
        for entry in pending.spent:
            self.airtime.give_back(entry)
        pending.spent = []


def _network_id(one: str) -> str:
    """A command's own id; what is no UUID gets one that is always the same."""
    try:
        return str(uuid.UUID(one))
    except ValueError:
        return str(uuid.uuid5(NAMES, one))


def _source_of(group: Group, mapping: Mapping) -> Source:
    fitting = [source for source in mapping.sources if source.format == "things_stack"]
    return next((one for one in fitting if one.application == group.application), fitting[0])
