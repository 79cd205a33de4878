# SPDX-License-Identifier: Apache-2.0
"""REST: a point taken by hand: every limit check beforehand, placed, lifted."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity import declared
from smartcity.api.audit import actor
from smartcity.api.views import OPERATE, VIEW, CityView
from smartcity.control import judging, overriding, safety, shapes, situations, standing
from smartcity.control.bodies import KEY, OBJECT, OF_ASSET, Preview, Reason, Wish, answered, asset_within, read
from smartcity.control.instants import instant
from smartcity.control.models import LockOut, Override
from smartcity.control.promises import in_words
from smartcity.devices.models import Asset
from smartcity.kernel.clock import clock
from smartcity.kernel.control import Priority, Setpoint

NO_PROOF = "The device's confirmation is the proof; no measurement is promised."


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
        board = standing.read([asset.pk], judging.points_of([facts]), instant(now_ms))
        terms = judging.Terms("", Priority.OVERRIDE, now_ms, clock.is_simulation)
        facts = judging.beside(setpoint, facts, board, terms)
        stop = judging.forbidden(setpoint, facts, tags, is_simulation=clock.is_simulation)
        failed = {no.rule: no.reason for no in safety.refusals(setpoint, facts.situation, judging.rules())}
        rules = [r for r in declared.interlocks() if asset.kind in r.kinds and wish["point"] in r.points]
        checks = [_check(rule.name, rule.source, failed.pop(rule.name, "")) for rule in rules]
        checks += [_check(name, "", reason) for name, reason in failed.items()]
        if stop and not any(not check["passed"] for check in checks):
            checks.append(_check("may be commanded", "", stop))
        placed = Override.objects.filter(asset=asset, point=wish["point"], ended_at=None).select_related("owner")
        held = next((shapes.override(row, request.user) for row in placed.select_related("asset")), None)
        point = shapes.point_of(asset.kind, wish["point"])
        expect = point.expect(wish["value"], facts.situation) if point and point.expect else None
        return Response(
            {
                "checks": checks,
                "may_send": all(check["passed"] for check in checks) and point is not None,
                "effect": in_words(expect) if expect else NO_PROOF,
                "replaces": held,
                "affected": 1,
            }
        )


def _setpoint(wish: dict[str, Any], now_ms: int) -> Setpoint:
    left_s = (wish["until"] - now_ms) / 1000
    reason = wish.get("reason") or "preview"
    return Setpoint(asset=wish["asset"], point=wish["point"], value=wish["value"], reason=reason, expires_in_s=left_s)


def _check(name: str, source: str, reason: str) -> dict[str, Any]:
    return {"name": name, "passed": not reason, "reason": reason, "source": source}


def _tags(asset: Asset) -> dict[int, str]:
    tag = LockOut.objects.filter(asset=asset, lifted_at=None).select_related("owner").first()
    return {asset.pk: f"locked out by {tag.owner.get_username()}: {tag.reason}"} if tag else {}


class LiftOverride(CityView):
    needs = {"POST": OPERATE}

    @extend_schema(operation_id="lift_override", request=Reason, responses=OBJECT)
    def post(self, request: Request, pk: int) -> Response:
        if not Override.objects.filter(self.reach(request).where(*OF_ASSET), pk=pk).exists():
            raise NotFound("There is no such override of an asset that you may operate.")
        reason = read(Reason, request)["reason"]
        row = answered(lambda: overriding.lift(pk, by=actor(request), now_ms=clock.now_ms(), reason=reason))
        return Response(shapes.override(row, request.user))
