# SPDX-License-Identifier: Apache-2.0
"""REST: which of my browsers, and whether my mailbox, are told of which alarms."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity import domains
from smartcity.alarms import addresses, vapid
from smartcity.alarms.models import MailSubscription, Notice, PushSubscription
from smartcity.api import audit
from smartcity.api.audit import actor
from smartcity.api.errors import Conflict
from smartcity.api.views import VIEW, CityView, ms
from smartcity.kernel.alarms import Severity

OBJECT = OpenApiTypes.OBJECT
MOST_BROWSERS = 20


class Choice(serializers.Serializer[Any]):
    """From the worst down to `worst_only` (1 critical … 4 low), in these domains (none named: in all)."""

    worst_only = serializers.IntegerField(min_value=1, max_value=4, default=Severity.HIGH.value)
    domains = serializers.ListField(child=serializers.SlugField(max_length=40), max_length=40, default=list)

    def validate_domains(self, labels: list[str]) -> list[str]:
        unknown = set(labels) - {config.label for config in domains.installed()}
        if unknown:
            raise ValidationError(f"No domain is called {', '.join(sorted(unknown))}.")
        return sorted(set(labels))


class Browser(Choice):
    """What PushManager.subscribe() gave the page, and the choice."""

    endpoint = serializers.URLField(max_length=600)
    p256dh = serializers.CharField(max_length=120)
    auth = serializers.CharField(max_length=60)

    def validate_endpoint(self, endpoint: str) -> str:
        problem = addresses.why_not(endpoint)
        if problem:
            raise ValidationError(problem)
        return endpoint

    def validate_p256dh(self, key: str) -> str:
        if not vapid.is_public_key(key):
            raise ValidationError("This is not a browser's public key.")
        return key

    def validate_auth(self, secret: str) -> str:
        if not vapid.is_secret(secret):
            raise ValidationError("This is not a browser's secret of 16 bytes.")
        return secret


def valid(kind: type[serializers.Serializer[Any]], request: Request, *, partial: bool = False) -> dict[str, Any]:
    body = kind(data=request.data, partial=partial)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def shape(row: PushSubscription) -> dict[str, Any]:
    """Without the endpoint: who knows it could send."""
    plain = {name: getattr(row, name) for name in ("worst_only", "domains", "failed")}
    return {"id": row.pk, "endpoint_tail": row.endpoint[-12:], "created_at": ms(row.created_at)} | plain


def me(request: Request) -> int:
    return int(request.user.pk or 0)


def mine(request: Request) -> Any:
    return PushSubscription.objects.filter(user_id=me(request), revoked_at=None)


def address_of(request: Request) -> str:
    return getattr(request.user, "email", "")


def one(request: Request, pk: int) -> PushSubscription:
    row: PushSubscription | None = mine(request).filter(pk=pk).first()
    if row is None:
        raise NotFound("You have no such browser.")
    return row


class Key(CityView):
    """The city's public key, to subscribe with."""

    @extend_schema(operation_id="push_key", responses=OBJECT)
    def get(self, request: Request) -> Response:
        if not (settings.VAPID_PUBLIC_KEY or settings.VAPID_PRIVATE_KEY):
            raise NotFound("This city has no push key; script/server makes one on its first run.")
        return Response({"key": settings.VAPID_PUBLIC_KEY or vapid.public_key(settings.VAPID_PRIVATE_KEY)})


class Browsers(CityView):
    """My browsers; POST adds this one, or changes its choice when it is known."""

    needs = {"GET": VIEW, "POST": VIEW}

    @extend_schema(operation_id="push_subscriptions", responses=OBJECT)
    def get(self, request: Request) -> Response:
        return Response([shape(row) for row in mine(request).order_by("pk")])

    @extend_schema(operation_id="push_subscribe", request=Browser, responses={201: OBJECT})
    def post(self, request: Request) -> Response:
        wish = valid(Browser, request)
        endpoint = wish.pop("endpoint")
        known = mine(request).filter(endpoint=endpoint).exists()
        if not known and mine(request).count() >= MOST_BROWSERS:
            raise Conflict(f"You have {MOST_BROWSERS} browsers; remove one you no longer use.")
        with transaction.atomic():
            # A browser has one endpoint whoever is signed in: the last to subscribe owns it.
            row, made = PushSubscription.objects.update_or_create(
                endpoint=endpoint, defaults=wish | {"user_id": me(request), "failed": 0, "revoked_at": None}
            )
            after = {"worst_only": row.worst_only, "domains": row.domains}
            audit.record(actor(request), "subscribe to push", f"push subscription {row.pk}", after=after)
        return Response(shape(row), status=201 if made else 200)


class BrowserView(CityView):
    """One of my browsers: change what it is told, or let it be told nothing."""

    needs = {"PATCH": VIEW, "DELETE": VIEW}

    @extend_schema(operation_id="push_prefer", request=Choice, responses=OBJECT)
    def patch(self, request: Request, pk: int) -> Response:
        row, wish = one(request, pk), valid(Choice, request, partial=True)
        before = {name: getattr(row, name) for name in wish}
        with transaction.atomic():
            PushSubscription.objects.filter(pk=row.pk).update(**wish)
            audit.record(actor(request), "choose alarms", f"push subscription {row.pk}", before=before, after=wish)
        return Response(shape(one(request, pk)))

    @extend_schema(operation_id="push_unsubscribe", responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        row = one(request, pk)
        with transaction.atomic():
            audit.record(actor(request), "unsubscribe from push", f"push subscription {row.pk}", before=shape(row))
            row.delete()
        return Response(status=204)


class Try(CityView):
    """Send a message without an alarm to each of my browsers."""

    needs = {"POST": VIEW}

    @extend_schema(operation_id="push_test", request=None, responses={202: OBJECT})
    def post(self, request: Request) -> Response:
        rows = [Notice(alarm=None, channel="push", subscription=row) for row in mine(request)]
        if not rows:
            raise Conflict("None of your browsers is subscribed yet.")
        Notice.objects.bulk_create(rows)
        return Response({"sent_to": len(rows)}, status=202)


class Mailbox(CityView):
    """Alarms by e-mail to the address of my account."""

    needs = {"GET": VIEW, "POST": VIEW, "DELETE": VIEW}

    @extend_schema(operation_id="mail_preference", responses=OBJECT)
    def get(self, request: Request) -> Response:
        row = MailSubscription.objects.filter(user_id=me(request)).first()
        chosen = {"worst_only": row.worst_only, "domains": row.domains} if row else {"worst_only": None, "domains": []}
        return Response({"address": address_of(request), "wanted": row is not None} | chosen)

    @extend_schema(operation_id="mail_prefer", request=Choice, responses=OBJECT)
    def post(self, request: Request) -> Response:
        wish = valid(Choice, request)
        if not address_of(request):
            raise Conflict("Your account has no e-mail address; an administrator can add one.")
        with transaction.atomic():
            MailSubscription.objects.update_or_create(user_id=me(request), defaults=wish)
            audit.record(actor(request), "choose alarms", f"mail to {request.user.get_username()}", after=wish)
        return Response({"address": address_of(request), "wanted": True} | wish)

    @extend_schema(operation_id="mail_unsubscribe", responses={204: None})
    def delete(self, request: Request) -> Response:
        with transaction.atomic():
            MailSubscription.objects.filter(user_id=me(request)).delete()
            audit.record(actor(request), "no alarms by mail", f"mail to {request.user.get_username()}")
        return Response(status=204)


urlpatterns = [
    path("push/key", Key.as_view()),
    path("push/subscriptions/", Browsers.as_view()),
    path("push/subscriptions/<int:pk>", BrowserView.as_view()),
    path("push/test", Try.as_view()),
    path("push/mail", Mailbox.as_view()),
]
