# SPDX-License-Identifier: Apache-2.0
"""REST: what a person or another system may do about commands, modes, tags and advice. Checked, audited, in words."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity import declared
from smartcity.api import errors
from smartcity.api.audit import actor
from smartcity.api.views import OPERATE, VIEW, CityView
from smartcity.control import lockout, modes, overriding, proposals, shapes, signing
from smartcity.control.bodies import KEY, OBJECT, OF_ASSET, ModeWish, Reason, Tag, Wish, answered, asset_within, read
from smartcity.control.models import Command, LockOut
from smartcity.devices.models import Zone
from smartcity.kernel.clock import clock
from smartcity.kernel.control import Mode


class RequestCommand(CityView):
    needs = {"GET": VIEW, "POST": OPERATE}

    @extend_schema(operation_id="request_command", request=Wish, responses={201: OBJECT}, parameters=[KEY])
    def post(self, request: Request) -> Response:
        wish = read(Wish, request)
        asset_within(self.reach(request), wish["asset"])
        now_ms = clock.now_ms()
        made = answered(
            lambda: overriding.ask(
                wish["asset"],
                wish["point"],
                wish["value"],
                by=actor(request),
                reason=wish["reason"],
                until_ms=wish["until"],
                now_ms=now_ms,
                key=request.headers.get("Idempotency-Key", ""),
            )
        )
        return Response(shapes.command(made), status=201)


class SetMode(CityView):
    needs = {"GET": VIEW, "POST": OPERATE}

    @extend_schema(operation_id="set_mode", request=ModeWish, responses=OBJECT)
    def post(self, request: Request) -> Response:
        wish = read(ModeWish, request)
        loop, zone = declared.loops().get(wish["loop"]), Zone.objects.filter(code=wish["group"]).first()
        if loop is None or zone is None or not self.reach(request).allows(loop.domain, zone.code):
            raise NotFound("There is no such loop or group that you may operate.")
        if wish["mode"] == Mode.AUTO:
            signed = signing.counts([loop], clock.now(), is_simulation=clock.is_simulation)
            if why_not := signed.get((loop.name, zone.pk), signing.NOTHING).why_not:
                raise errors.Conflict(why_not)
        row = answered(
            lambda: modes.set_mode(
                loop.name,
                zone,
                wish["mode"],
                by=actor(request),
                reason=wish["reason"],
                now_ms=clock.now_ms(),
                is_simulation=clock.is_simulation,
                until_ms=wish["until"],
            )
        )
        return Response(shapes.mode(loop, zone, row, clock.now(), clock.is_simulation))


class HangTag(CityView):
    needs = {"GET": VIEW, "POST": OPERATE}

    @extend_schema(operation_id="lock_out", request=Tag, responses={201: OBJECT})
    def post(self, request: Request) -> Response:
        wish = read(Tag, request)
        asset_within(self.reach(request), wish["asset"])
        row = answered(
            lambda: lockout.lock_out(
                wish["asset"], owner=request.user, by=actor(request), reason=wish["reason"], now_ms=clock.now_ms()
            )
        )
        return Response(shapes.lockout(row, request.user), status=201)


class TakeTagOff(CityView):
    needs = {"POST": OPERATE}

    @extend_schema(operation_id="lift_lock_out", request=Reason, responses=OBJECT)
    def post(self, request: Request, pk: int) -> Response:
        if not LockOut.objects.filter(self.reach(request).where(*OF_ASSET), pk=pk).exists():
            raise NotFound("There is no such tag on an asset that you may operate.")
        reason = read(Reason, request)["reason"]
        row = answered(
            lambda: lockout.lift_lock_out(
                pk, user=request.user, by=actor(request), now_ms=clock.now_ms(), reason=reason
            )
        )
        return Response(shapes.lockout(row, request.user))


class Proposal(CityView):
    """What a person answers to advice."""

    needs = {"POST": OPERATE}

    def waiting(self, request: Request, pk: Any) -> QuerySet[Command]:
        rows = Command.objects.filter(self.reach(request).where(), pk=pk)
        if not rows.exists():
            raise NotFound("There is no such command that you may operate.")
        return rows

    def answer(self, rows: QuerySet[Command]) -> Response:
        row = rows.select_related("asset", "zone").prefetch_related("transitions").get()
        return Response(shapes.command(row))


class Approve(Proposal):
    @extend_schema(operation_id="approve_command", request=Reason, responses=OBJECT)
    def post(self, request: Request, pk: Any) -> Response:
        rows = self.waiting(request, pk)
        answered(lambda: proposals.approve([pk], by=actor(request), now_ms=clock.now_ms()))
        return self.answer(rows)


class Reject(Proposal):
    @extend_schema(operation_id="reject_command", request=Reason, responses=OBJECT)
    def post(self, request: Request, pk: Any) -> Response:
        rows = self.waiting(request, pk)
        reason = read(Reason, request)["reason"]
        answered(lambda: proposals.reject([pk], by=actor(request), now_ms=clock.now_ms(), reason=reason))
        return self.answer(rows)
