# SPDX-License-Identifier: Apache-2.0
"""REST: everything back to its local programme: where it would land, the order, who has confirmed."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity.api.audit import actor
from smartcity.api.views import OPERATE, CityView, ms
from smartcity.control import returning
from smartcity.control.bodies import KEY, OBJECT, OF_ASSET, Confirm, answered, read
from smartcity.control.models import Command
from smartcity.kernel.clock import clock


class ReturnToLocal(CityView):
    """GET says where everything would land; POST does it."""

    needs = {"GET": OPERATE, "POST": OPERATE}

    @extend_schema(operation_id="preview_return_to_local", responses=OBJECT)
    def get(self, request: Request) -> Response:
        reach = self.reach(request)
        found = returning.preview(reach)
        return Response(
            {
                "domains": [_landing(item) for item in found],
                "total": sum(item.count for item in found),
                "locked_out": sum(item.tagged for item in found),
                "overrides": returning.overrides(reach).count(),
            }
        )

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
    return {
        "domain": item.domain,
        "title": item.kind,
        "count": item.count,
        "locked_out": item.tagged,
        "lands": lands,
        "words": item.words,
    }


class ReturnReport(CityView):
    needs = {"GET": OPERATE}

    @extend_schema(operation_id="return_report", responses=OBJECT)
    def get(self, request: Request, batch: str) -> Response:
        reach = self.reach(request)
        found = returning.report(batch, reach)
        waiting, failed = ([_answer(a) for a in group] for group in (found.waiting, found.failed))
        first = Command.objects.filter(reach.where(*OF_ASSET), batch=batch).order_by("created_at").first()
        if first is None:
            raise NotFound("There is no such return to local of an asset that you may operate.")
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
