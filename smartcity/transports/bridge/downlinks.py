# SPDX-License-Identifier: Apache-2.0
"""Commands into LoRaWAN: what is with the network already, what a group can be told at once, and what airtime is left.

The network's queue is no store of ours: the command table is. What is said here again under the same id is with the
network already, until that says it has let go of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from smartcity.transports.bridge import fates
from smartcity.transports.bridge.airtime import RX2_HZ, Airtime, Band, band_of, time_on_air_s
from smartcity.transports.bridge.api import Call
from smartcity.transports.bridge.bundling import Bundler, Now
from smartcity.transports.bridge.directory import Address, Directory
from smartcity.transports.bridge.fates import Answer
from smartcity.transports.bridge.mapping import Mapping
from smartcity.transports.bridge.network import Fate, OnAir, Told
from smartcity.transports.bridge.pending import Pending, Register
from smartcity.transports.bridge.postbox import Publication
from smartcity.transports.letters import UNCONFIRMED, Letter, Posted

LONGEST_FRAME = 242
Said = Publication | Call


@dataclass(frozen=True, slots=True)
class Clocks:
    """`monotonic` counts seconds, `wall_ms` is the date, `time_of_day` says such a date as HH:MM in the city."""

    monotonic: Callable[[], float]
    wall_ms: Callable[[], int]
    time_of_day: Callable[[int], str]


class Downlinks:
    """Used from the event loop only. Takes letters, gives what to say to the network, and answers."""

    def __init__(self, mapping: Mapping, directory: Directory, clocks: Clocks) -> None:
        self.airtime = Airtime(mapping.airtime.share)
        self.refused_for_airtime = 0
        self._rx2 = OnAir("", RX2_HZ, mapping.airtime.rx2_spreading)
        self._bundler = Bundler(mapping)
        self._directory = directory
        self._clocks = clocks
        self._register = Register()
        self._unproven: dict[str, list[Answer]] = {}

    def __len__(self) -> int:
        return len(self._register)

    def post(self, letters: Sequence[tuple[Letter, Address]]) -> tuple[dict[str, Posted], list[Said]]:
        """What becomes of each letter, by its id, and what to tell the network."""
        fresh = [(letter, address) for letter, address in letters if self._register.carrying(letter.id) is None]
        posted = {letter.id: Posted.SENT for letter, _ in letters}
        added: list[Pending] = []
        for pending in self._bundler.bundle(fresh, Now(self._clocks.monotonic(), self._clocks.wall_ms())):
            refusal = self._refusal(pending)
            if refusal:
                posted |= {letter.id: Posted.refused(refusal) for letter in pending.letters}
            else:
                self._register.add(pending)
                added.append(pending)
        return posted, self._to_say(added)

    def told(self, address: Address, told: Told) -> list[Answer]:
        """What the network says of a downlink; `address` is whose event it is."""
        pending = self._register.find(told.id)
        confirmed = pending.downlink.confirmed if pending else address.radio.confirmed
        return self._answers(told, pending, pending.about if pending else ((address.uid, told.id),), confirmed)

    def handed_over(self, key: str) -> list[Answer]:
        """The network has taken a downlink that it will say nothing more of."""
        pending = self._register.find(key)
        return self._answers(Told(key, Fate.HANDED_OVER), pending, pending.about, False) if pending else []

    def heard(self, device: str) -> list[Answer]:
        """The device has spoken since: what was transmitted to it unconfirmed is now for its readings to prove."""
        return [
            Answer(one.device, one.id, UNCONFIRMED, one.reason, one.at_ms) for one in self._unproven.pop(device, ())
        ]

    def lost(self, about: Iterable[tuple[str, str]]) -> None:
        """It was not passed on: it may be said again."""
        for _, command in about:
            if pending := self._register.carrying(command):
                self._let_go(pending, is_wasted=True)

    def withdraw_expired(self) -> list[Said]:
        """What has run out leaves our memory, and the network's queue where that knows no expiry."""
        over = self._register.expired(self._clocks.monotonic())
        for pending in over:
            self._let_go(pending, is_wasted=False)
        places = {(one.application, one.device): one for one in over if one.is_in_queue}
        return [self._whole_queue(pending) for pending in places.values()]

    # inside

    def _answers(
        self, told: Told, pending: Pending | None, about: Iterable[tuple[str, str]], confirmed: bool
    ) -> list[Answer]:
        if pending:
            self._follow(pending, told)
        state, reason = fates.in_words(told, confirmed, self._clocks.wall_ms(), self._clocks.time_of_day)
        answers = [Answer(device, command, state, reason, told.at_ms) for device, command in about]
        if told.fate in (Fate.TRANSMITTED, Fate.HANDED_OVER) and not confirmed:
            for answer in answers:
                self._unproven.setdefault(answer.device, []).append(answer)
        return answers

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
        gateways = pending.downlink.gateways or ((heard.gateway,) if heard else ("",))
        on_air = self._rx2
        if address and address.radio.device_class == "A" and not pending.downlink.gateways and heard:
            on_air = heard if heard.frequency_hz else self._rx2
        seconds = time_on_air_s(len(pending.downlink.frame), on_air.spreading, on_air.bandwidth_hz)
        band = band_of(on_air.frequency_hz)
        return [(gateway, band, seconds) for gateway in gateways] if band else []

    def _exhausted(self, gateway: str, band: Band, wait_s: float, now: float) -> str:
        budget, used = self.airtime.budget_s(band), self.airtime.used_s(gateway, band, now)
        name = f"gateway {gateway}" if gateway else "the gateway"
        if wait_s == float("inf"):
            return f"{name}: the command is longer on air than the {budget:.1f} s an hour that {band} allows"
        room = self._clocks.time_of_day(self._clocks.wall_ms() + int(wait_s * 1000))
        spent = f"{used:.1f} of {budget:.1f} s used within the hour"
        return f"{name} has no airtime left in {band}: {spent}, room at {room}"

    def _to_say(self, added: Sequence[Pending]) -> list[Said]:
        found, queues = list[Said](), dict[tuple[str, str], Pending]()
        for pending in added:
            if pending.is_in_queue:
                self._supersede(pending)
                queues[pending.application, pending.device] = pending
            else:
                found += self._messages(pending, [pending], replaces=False)
        return found + [self._whole_queue(pending) for pending in queues.values()]

    def _supersede(self, newer: Pending) -> None:
        """An older command on the same point, still in the queue, is not to arrive after the newer one is asked."""
        point = newer.letters[0].point
        for older in list(self._register.queue_of(newer)):
            if older is not newer and older.letters[0].point == point:
                self._let_go(older, is_wasted=True)

    def _whole_queue(self, of: Pending) -> Said:
        """What the device's queue is to hold from now on."""
        (whole,) = self._messages(of, list(self._register.queue_of(of)), replaces=True)
        return whole

    def _messages(self, of: Pending, downlinks: Sequence[Pending], *, replaces: bool) -> list[Said]:
        about = tuple(each for one in downlinks for each in one.about)
        if of.downlink.gateways and (call := of.network.call(of.device, of.downlink, about)):
            return [call]
        topic = of.network.command_topic(replaces=replaces)
        topic = topic.replace("{application}", of.application).replace("{device}", of.device)
        until = max((one.until for one in downlinks), default=self._clocks.monotonic() + 60.0)
        payloads = of.network.write(of.device, [one.downlink for one in downlinks])
        return [Publication(topic, payload, until, about) for payload in payloads]

    def _follow(self, pending: Pending, told: Told) -> None:
        """What the network has told changes what we know of its queue and of the air."""
        if told.fate in (Fate.TRANSMITTED, Fate.HANDED_OVER):
            now, size = self._clocks.monotonic(), len(pending.downlink.frame)
            for entry in pending.spent:
                self.airtime.correct(entry, told.on_air, size, now)
            pending.spent, pending.is_in_queue = [], False
        elif told.fate is Fate.TRIED_AGAIN:
            pending.is_in_queue = pending.sleeps
        elif told.fate is Fate.UNCONFIRMED:
            self._let_go(pending, is_wasted=False)
        else:
            pending.is_over, pending.is_in_queue = True, False
            if told.fate is not Fate.CONFIRMED:
                self._refund(pending)

    def _let_go(self, pending: Pending, *, is_wasted: bool) -> None:
        self._register.let_go(pending)
        if is_wasted:
            self._refund(pending)

    def _refund(self, pending: Pending) -> None:
        for entry in pending.spent:
            self.airtime.give_back(entry)
        pending.spent = []
