# SPDX-License-Identifier: Apache-2.0
"""REST: what a person or another system may do about commands. Every POST is checked, audited and answered in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity import declared
from smartcity.api import errors
from smartcity.api.access import Scope
from smartcity.api.audit import actor
from smartcity.api.views import OPERATE, VIEW, CityView, instant, ms
from smartcity.control import (
    judging,
    lockout,
    modes,
    overriding,
    proposals,
    refusals,
    returning,
    safety,
    shapes,
    signing,
    situations,
)
from smartcity.control.models import Command, LockOut, Override
from smartcity.devices.models import Asset, Zone
from smartcity.kernel.clock import clock
from smartcity.kernel.control import Mode, Setpoint

OBJECT = OpenApiTypes.OBJECT
T = TypeVar("T")
KEY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description="The same key acts once.")


class Unprocessable(APIException):
    status_code = 422
    default_code = "refused"


def answered(action: Callable[[], T]) -> T:
    """Run it; a refusal becomes the problem response that fits."""
    try:
        return action()
    except refusals.Conflict as no:
        raise errors.Conflict(no.message) from None
    except refusals.NotAllowed as no:
        raise PermissionDenied(no.message) from None
    except refusals.No as no:
        raise Unprocessable(no.message) from None


class Value(serializers.JSONField):
    """A finite number or a short word."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool) or not isinstance(data, int | float | str):
            raise ValidationError("A value is a number or a word.")
        return data if isinstance(data, str) else float(data)


class Instant(serializers.Field):  # type: ignore[type-arg]
    """Milliseconds or ISO 8601 with an offset, city time."""

    def to_internal_value(self, data: Any) -> int:
        return instant(str(data), self.field_name or "at")

    def to_representation(self, value: int) -> int:
        return value


class Reason(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class Wish(serializers.Serializer[Any]):
    asset = serializers.CharField(max_length=64)
    point = serializers.CharField(max_length=60)
    value = Value()
    reason = serializers.CharField(max_length=500)
    until = Instant()
    take_over = serializers.BooleanField(default=False)


class Preview(serializers.Serializer[Any]):
    asset = serializers.CharField(max_length=64)
    point = serializers.CharField(max_length=60)
    value = Value()
    until = Instant()


class ModeWish(serializers.Serializer[Any]):
    loop = serializers.CharField(max_length=60)
    group = serializers.CharField(max_length=40)
    mode = serializers.ChoiceField(choices=["local", "advise", "auto"])
    reason = serializers.CharField(max_length=500)
    until = Instant(required=False, allow_null=True, default=None)


class Tag(serializers.Serializer[Any]):
    asset = serializers.CharField(max_length=64)
    reason = serializers.CharField(max_length=500)


class Confirm(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)
    confirm = serializers.BooleanField()


def read(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    body = kind(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def asset_within(reach: Scope, uid: str) -> Asset:
    """The asset, or NotFound where it is out of reach."""
    found = Asset.objects.filter(reach.where(), uid=uid).select_related("zone").first()
    if found is None:
        raise NotFound(f"There is no asset {uid} that you may operate.")
    return found


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


def _setpoint(wish: dict[str, Any], now_ms: int) -> Setpoint:
    left_s = (wish["until"] - now_ms) / 1000
    reason = wish.get("reason") or "preview"
    return Setpoint(asset=wish["asset"], point=wish["point"], value=wish["value"], reason=reason, expires_in_s=left_s)


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


class PlaceOverride(CityView):
    needs = {"GET": VIEW, "POST": OPERATE}

    @extend_schema(operation_id="place_override", request=Wish, responses={201: OBJECT}, parameters=[KEY])
    def post(self, request: Request) -> Response:
        wish = read(Wish, request)
        asset_within(self.reach(request), wish["asset"])
        placed = answered(
            lambda: overriding.override(
                wish["asset"],
                wish["point"],
                wish["value"],
                owner=request.user,
                by=actor(request),
                reason=wish["reason"],
                until_ms=wish["until"],
                now_ms=clock.now_ms(),
                key=request.headers.get("Idempotency-Key", ""),
                take_over=wish["take_over"],
            )
        )
        command = shapes.command(placed.command, with_transitions=False)
        return Response({"id": placed.pk, "command": command}, status=201)


class PreviewOverride(CityView):
    """Every limit check a command would meet; nothing is written."""

    needs = {"POST": OPERATE}

    @extend_schema(operation_id="preview_override", request=Preview, responses=OBJECT)
    def post(self, request: Request) -> Response:
        wish = read(Preview, request)
        asset = asset_within(self.reach(request), wish["asset"])
        now_ms = clock.now_ms()
        setpoint = _setpoint(wish, now_ms)
        facts = situations.load([asset.uid], now_ms, is_simulation=clock.is_simulation)[asset.uid]
        tags = _tags(asset)
        stop = judging.forbidden(setpoint, facts, tags, is_simulation=clock.is_simulation)
        failed = {no.rule: no.reason for no in safety.refusals(setpoint, facts.situation, judging.rules())}
        rules = [r for r in declared.interlocks() if asset.kind in r.kinds and wish["point"] in r.points]
        checks = [_check(rule.name, rule.source, failed.pop(rule.name, "")) for rule in rules]
        checks += [_check(name, "", reason) for name, reason in failed.items()]
        if stop and not any(not check["passed"] for check in checks):
            checks.append(_check("may be commanded", "", stop))
        standing = Override.objects.filter(asset=asset, point=wish["point"], ended_at=None).select_related("owner")
        held = next((shapes.override(row, request.user) for row in standing.select_related("asset")), None)
        point = shapes.point_of(asset.kind, wish["point"])
        expect = point.expect(wish["value"], facts.situation.engineering) if point and point.expect else None
        return Response(
            {
                "checks": checks,
                "may_send": all(check["passed"] for check in checks) and point is not None,
                "effect": _effect(expect),
                "replaces": held,
                "affected": 1,
            }
        )


def _check(name: str, source: str, reason: str) -> dict[str, Any]:
    return {"name": name, "passed": not reason, "reason": reason, "source": source}


def _tags(asset: Asset) -> dict[int, str]:
    tag = LockOut.objects.filter(asset=asset, lifted_at=None).select_related("owner").first()
    return {asset.pk: f"locked out by {tag.owner.get_username()}: {tag.reason}"} if tag else {}


def _effect(expect: Any) -> str:
    if expect is None:
        return "The device's confirmation is the proof; no measurement is promised."
    metric = declared.metrics().get(expect.metric)
    name, unit = (metric.title, metric.unit) if metric else (expect.metric, "")
    minutes = expect.within_s / 60
    return f"{name} between {expect.low:.0f} and {expect.high:.0f} {unit} within {minutes:.0f} min".replace(" 1 ", " ")


class LiftOverride(CityView):
    needs = {"POST": OPERATE}

    @extend_schema(operation_id="lift_override", request=Reason, responses=OBJECT)
    def post(self, request: Request, pk: int) -> Response:
        held = Override.objects.filter(pk=pk).select_related("asset").first()
        if held is None:
            raise NotFound("There is no such override.")
        asset_within(self.reach(request), held.asset.uid)
        reason = read(Reason, request)["reason"]
        row = answered(lambda: overriding.lift(pk, by=actor(request), now_ms=clock.now_ms(), reason=reason))
        return Response(shapes.override(row, request.user))


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
        tag = LockOut.objects.filter(pk=pk).select_related("asset").first()
        if tag is None:
            raise NotFound("There is no such tag.")
        asset_within(self.reach(request), tag.asset.uid)
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


class ReturnToLocal(CityView):
    """GET says where everything would land; POST does it."""

    needs = {"GET": OPERATE, "POST": OPERATE}

    @extend_schema(operation_id="preview_return_to_local", responses=OBJECT)
    def get(self, request: Request) -> Response:
        found = returning.preview(self.reach(request))
        return Response({"domains": [_landing(item) for item in found], "total": sum(item.count for item in found)})

    @extend_schema(operation_id="return_to_local", request=Confirm, responses={202: OBJECT}, parameters=[KEY])
    def post(self, request: Request) -> Response:
        wish = read(Confirm, request)
        if not wish["confirm"]:
            raise ValidationError({"confirm": "Confirm, or nothing happens."})
        batch = answered(
            lambda: returning.return_all_to_local(
                by=actor(request),
                reason=wish["reason"],
                now_ms=clock.now_ms(),
                within=self.reach(request),
                key=request.headers.get("Idempotency-Key", ""),
            )
        )
        return Response({"id": batch}, status=202)


def _landing(item: returning.Landing) -> dict[str, Any]:
    lands = item.words.partition(" to ")[2]
    return {"domain": item.domain, "title": item.kind, "count": item.count, "lands": lands, "words": item.words}


class ReturnReport(CityView):
    needs = {"GET": OPERATE}

    @extend_schema(operation_id="return_report", responses=OBJECT)
    def get(self, request: Request, batch: str) -> Response:
        found = returning.report(batch)
        reach = self.reach(request)
        waiting, failed = (
            [_answer(a) for a in group if reach.touches(a.domain)] for group in (found.waiting, found.failed)
        )
        first = Command.objects.filter(batch=batch).order_by("created_at").first()
        if first is None:
            raise NotFound("There is no such return to local.")
        return Response(
            {
                "id": batch,
                "at": ms(first.created_at),
                "by": first.issuer,
                "total": len(found.confirmed) + len(found.waiting) + len(found.failed),
                "confirmed": len(found.confirmed),
                "waiting": waiting,
                "refused": [a for a in failed if a["state"] == "refused"],
                "silent": [a for a in failed if a["state"] != "refused"],
                "done": not found.waiting,
                "words": found.words,
            }
        )


def _answer(answer: returning.Answer) -> dict[str, Any]:
    return {
        "asset": answer.asset,
        "asset_name": answer.name,
        "domain": answer.domain,
        "state": answer.state,
        "reason": answer.note,
    }
