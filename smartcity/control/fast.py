# SPDX-License-Identifier: Apache-2.0
"""Fast control is granted, not commanded: leases to a loop's devices, and the requests of one loop under them.

`prepare` runs in the pool, `send` and the callbacks on the event loop; a loop's rounds never overlap.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from smartcity.control import granting, grants, judging, leases, outgoing, safety
from smartcity.control.acks import AckMessage, Answer
from smartcity.control.brake import Brake, budget
from smartcity.control.fastlog import Errand, FastLog, Outcome
from smartcity.control.fastview import Lookout, View
from smartcity.control.granting import ZoneLease
from smartcity.control.instants import sequences
from smartcity.control.leader import Leader
from smartcity.control.line import Line
from smartcity.control.models import FastEvent
from smartcity.control.situations import Facts
from smartcity.kernel.clock import CityClock
from smartcity.kernel.codecs import Instruction
from smartcity.kernel.control import Loop, Mode, Setpoint
from smartcity.transports.letters import TRANSMITTED, UNCONFIRMED, Letter

AGAIN_S = 3.0  # wall: before the same is asked again of a device that refused or kept silent
REFUSED_GRANT_MS = 60_000
MINUTE_MS = 60_000
NO_LEASE = "no lease"
UNDECIDED = frozenset({"received", TRANSMITTED, UNCONFIRMED})


@dataclass(slots=True)
class Asked:
    """The last request on one point, or grant of one asset."""

    id: str
    errand: Errand
    at_ms: int
    outcome: Outcome = Outcome.ASKED


@dataclass(frozen=True, slots=True)
class Sheet:
    """What goes out after one round: grants first."""

    epoch: int
    errands: tuple[tuple[str, Errand], ...]


class FastDesk:
    def __init__(self, loop: Loop, line: Line, leader: Leader, city: CityClock) -> None:
        self.loop = loop
        self.asked = self.confirmed = self.refused = 0
        self.brake = Brake(0, 0)
        self._line = line
        self._leader = leader
        self._city = city
        self._log = FastLog()
        self._lookout = Lookout(loop, city)
        self._leases: dict[int, ZoneLease] = {}
        self._grants: dict[str, Asked] = {}
        self._last: dict[tuple[str, str], Asked] = {}
        self._pending: dict[str, Asked] = {}
        self._lately: deque[tuple[int, int]] = deque()
        self._answers: deque[Answer] = deque()
        self._ready: deque[str] = deque()
        same: Callable[[Any, Any], bool] | None = loop.extra.get("is_same")
        self._is_same = same or (lambda old, new: bool(old == new))

    # on the event loop

    def on_ack(self, answers: Iterable[Answer]) -> None:
        self._answers.extend(answers)

    def on_ready(self, device: str) -> None:
        """It may have forgotten its grant while it was away."""
        self._ready.append(device)

    def send(self, sheet: Sheet) -> None:
        now_ms, speed = self._city.now_ms(), max(self._city.speed, 0.01)
        for key, errand in sheet.errands:
            if self._leader.epoch != sheet.epoch:
                return
            left_s = (errand.until_ms - now_ms) / 1000 / speed
            instruction = Instruction(
                key, errand.point, errand.value, errand.until_ms, int(key[1:]), errand.reason[:200]
            )
            if left_s > 0:
                payload = outgoing.write(errand.codec, instruction)
                self._post(
                    Asked(key, errand, now_ms), Letter(errand.device, key, errand.point, payload, max(1, left_s))
                )

    def _post(self, asked: Asked, letter: Letter) -> None:
        (posted,) = self._line.post([letter])
        if posted.is_sent or posted.refusal:
            self._sent(asked)
        if posted.refusal:
            self._answers.append(AckMessage(letter.device, letter.id, "refused", posted.refusal))

    def _sent(self, asked: Asked) -> None:
        errand = asked.errand
        self._pending[asked.id] = asked
        if errand.point == safety.LEASE:
            self._grants[errand.uid] = asked
        else:
            self._last[errand.uid, errand.point] = asked
            self.asked += 1

    # in the pool

    def prepare(self, setpoints: Sequence[Setpoint], now_ms: int, epoch: int) -> Sheet:
        """Take in answers, keep leases standing, judge every wish. Raises LostLeadership."""
        self._take_answers(now_ms)
        view = self._lookout.look(now_ms)
        with transaction.atomic():
            leases.insist(leases.CONTROL, epoch)
            self._lookout.look_again(view)
            granted = self._keep_leases(view, epoch)
            requests = [errand for s in setpoints if (errand := self._judge(s, view)) is not None]
            requests = self._within_budget(requests, view)
            self._log.granted(granted, now_ms)
            FastEvent.objects.bulk_create(self._log.rows())
            errands = [*granted, *requests]
            numbers = sequences(len(errands), now_ms)
        return Sheet(epoch, tuple((f"f{n}", errand) for n, errand in zip(numbers, errands, strict=True)))

    def _within_budget(self, requests: list[Errand], view: View) -> list[Errand]:
        """At most what the loop may ask within a minute; `brake` says what was held back."""
        while self._lately and self._lately[0][0] <= view.now_ms - MINUTE_MS:
            self._lately.popleft()
        whole = budget(self.loop, len(view.facts))
        self.brake = Brake(whole, whole - sum(count for _, count in self._lately))
        kept = self.brake.keep(requests)
        self._lately.append((view.now_ms, len(kept)))
        return kept

    def _keep_leases(self, view: View, epoch: int) -> list[Errand]:
        """Issue and renew per zone; the devices that need to be told now."""
        alive = granting.standing(self._leases.values())
        self._leases = {
            zone: lease for zone, lease in self._leases.items() if lease.id in alive and lease.until_ms > view.now_ms
        }
        by_zone: dict[int, dict[str, Facts]] = {}
        for uid, facts in view.free.items():
            by_zone.setdefault(facts.asset.zone_id, {})[uid] = facts
        for zone in self._leases.keys() - by_zone.keys():
            del self._leases[zone]
        for zone, free in by_zone.items():
            lease = self._leases.get(zone)
            if lease is None or lease.is_due(view.now_ms):
                place = next(iter(free.values())).asset.zone
                self._renew(zone, granting.issue(self.loop, place, free, now_ms=view.now_ms, epoch=epoch))
            else:
                lease.members = frozenset(free)
        granting.progress(self._leases, view.now_ms)
        return [e for uid, f in view.free.items() if (e := self._grant(uid, f, view.now_ms)) is not None]

    def _renew(self, zone: int, lease: ZoneLease | None) -> None:
        if lease is None:
            self._leases.pop(zone, None)
        else:
            self._leases[zone] = lease

    def _grant(self, uid: str, facts: Facts, now_ms: int) -> Errand | None:
        lease = self._leases.get(facts.asset.zone_id)
        assert facts.device is not None
        if lease is None or not self._line.reaches(facts.device.uid):
            return None
        last = self._grants.get(uid)
        if last is not None and last.errand.lease == lease.id and not self._may_grant_again(last, now_ms):
            return None
        return Errand(
            asset=facts.asset.pk,
            uid=uid,
            device=facts.device.uid,
            codec=facts.device.codec,
            point=safety.LEASE,
            value=Mode.AUTO.value,
            reason=f"{self.loop.title}: {grants.word(self.loop, Mode.AUTO)}",
            until_ms=lease.until_ms,
            lease=lease.id,
        )

    def _judge(self, setpoint: Setpoint, view: View) -> Errand | None:
        """What is to be asked of the device; everything else is noted in the log."""
        facts = view.facts.get(setpoint.asset)
        if facts is None or facts.asset.pk in view.held or view.modes[facts.asset.zone_id] is Mode.LOCAL:
            return None
        errand = self._errand(setpoint, facts, view.now_ms)
        is_advice = setpoint.asset not in view.free
        if reason := judging.forbidden(
            setpoint, facts, view.tags, is_simulation=view.is_simulation, is_advice=is_advice
        ):
            self.refused += 1
            self._log.note(errand, Outcome.LIMIT, reason, view.now_ms)
        elif is_advice:
            self._log.note(errand, Outcome.ADVISED, setpoint.reason, view.now_ms)
        elif errand.lease is not None and self._is_news(errand, view.now_ms):
            return errand if self._line.reaches(errand.device) else None
        return None

    def _errand(self, setpoint: Setpoint, facts: Facts, now_ms: int) -> Errand:
        lease = self._leases.get(facts.asset.zone_id)
        until_ms = now_ms + int(min(setpoint.expires_in_s, safety.LONGEST_S) * 1000) if setpoint.expires_in_s > 0 else 0
        return Errand(
            asset=facts.asset.pk,
            uid=setpoint.asset,
            device=facts.device.uid if facts.device else "",
            codec=facts.device.codec if facts.device else "",
            point=setpoint.point,
            value=setpoint.value,
            reason=setpoint.reason,
            until_ms=min(until_ms, lease.until_ms) if lease else until_ms,
            lease=lease.id if lease else None,
        )

    def _is_news(self, errand: Errand, now_ms: int) -> bool:
        """Not the same as asked a moment ago: another value, half of its life over, or it came to nothing."""
        last = self._last.get((errand.uid, errand.point))
        if last is None or not self._is_same(last.errand.value, errand.value):
            return True
        if last.outcome in (Outcome.REFUSED, Outcome.UNANSWERED):
            return self._may_repeat(last, now_ms)
        return now_ms - last.at_ms >= (last.errand.until_ms - last.at_ms) / 2

    def _may_grant_again(self, last: Asked, now_ms: int) -> bool:
        """Not while it stands; a device that refused its grant has a reason that seldom passes within seconds."""
        is_patient = last.outcome is not Outcome.REFUSED or now_ms - last.at_ms >= REFUSED_GRANT_MS
        return last.outcome is not Outcome.CONFIRMED and is_patient and self._may_repeat(last, now_ms)

    def _may_repeat(self, last: Asked, now_ms: int) -> bool:
        return now_ms - last.at_ms >= AGAIN_S * 1000 * max(1.0, self._city.speed)

    # answers

    def _take_answers(self, now_ms: int) -> None:
        while self._ready:
            device = self._ready.popleft()
            for uid in [uid for uid, asked in self._grants.items() if asked.errand.device == device]:
                del self._grants[uid]
        while self._answers:
            self._take(self._answers.popleft(), now_ms)
        for key in [key for key, asked in self._pending.items() if asked.errand.until_ms <= now_ms]:
            self._settle(self._pending.pop(key), Outcome.UNANSWERED, "the device did not answer", now_ms)

    def _take(self, answer: Answer, now_ms: int) -> None:
        asked = self._pending.get(answer.id)
        if asked is None or asked.errand.device != answer.device or answer.state in UNDECIDED:
            return
        del self._pending[answer.id]
        if answer.state == "applied":
            self._settle(asked, Outcome.CONFIRMED, asked.errand.reason, now_ms)
            return
        if answer.reason == NO_LEASE:
            self._grants.pop(asked.errand.uid, None)
        self._settle(asked, Outcome.REFUSED, answer.reason or answer.state, now_ms)

    def _settle(self, asked: Asked, outcome: Outcome, why: str, now_ms: int) -> None:
        asked.outcome = outcome
        errand = asked.errand
        if errand.point != safety.LEASE:
            self.confirmed += outcome is Outcome.CONFIRMED
            self.refused += outcome is Outcome.REFUSED
            self._log.note(errand, outcome, why, now_ms)
            return
        lease = next((lease for lease in self._leases.values() if lease.id == errand.lease), None)
        if lease is not None and outcome is Outcome.CONFIRMED:
            lease.confirmed.add(errand.uid)
        elif outcome is not Outcome.CONFIRMED:
            self._log.note(errand, outcome, why, now_ms)
