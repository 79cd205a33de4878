# SPDX-License-Identifier: Apache-2.0
"""REST: what a request about commands may say, what it may reach, and how a refusal is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request

from smartcity.api import errors
from smartcity.api.access import Scope
from smartcity.api.views import instant
from smartcity.control import refusals
from smartcity.devices.models import Asset

OBJECT = OpenApiTypes.OBJECT
OF_ASSET = ("asset__domain", "asset__zone__code")
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
