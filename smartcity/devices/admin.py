# SPDX-License-Identifier: Apache-2.0
"""Administration of assets: to look up what was imported, and to answer for engineering data with one's name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest

from smartcity.api import audit
from smartcity.devices import engineering, time_zone
from smartcity.devices.models import Asset, EngineeringRecord
from smartcity.devices.provisioning import Refused
from smartcity.kernel.clock import clock


class ToRead(admin.ModelAdmin[Any]):
    """Nothing is added, changed or removed here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Asset)
class Assets(ToRead):
    list_display = ("uid", "name", "domain", "kind", "zone", "estimated", "source", "external_id", "missing_since")
    list_filter = ("domain", "kind", "zone", "estimated", "simulated", "source")
    list_select_related = ("zone",)
    search_fields = ("uid", "name", "external_id")
    fields = (
        "uid", "name", "domain", "kind", "zone", "parent", "estimated", "simulated", "source", "external_id",
        "missing_since",
    )  # fmt: skip


class SignatureForm(ActionForm):
    """What a signature needs beside the chosen rows."""

    until = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}), label="valid until")
    reason = forms.CharField(required=False, max_length=500, label="why")


@admin.register(EngineeringRecord)
class EngineeringRecords(ToRead):
    """Loops act by themselves only where the data in force are signed, by a person, until a day that has not come."""

    action_form = SignatureForm
    actions = ("sign", "withdraw")
    list_display = ("asset", "version", "basis", "is_current", "signed_by", "signed_at", "valid_until")
    list_filter = ("is_current", "asset__domain", "asset__kind", "asset__zone", "signed_by")
    list_select_related = ("asset",)
    search_fields = ("asset__uid", "asset__name", "basis", "signed_by")
    fields = ("asset", "version", "data", "basis", "is_current", "signed_by", "signed_at", "valid_from", "valid_until")

    @admin.action(description="Sign the newest data of the chosen assets", permissions=["view"])
    def sign(self, request: HttpRequest, queryset: QuerySet[EngineeringRecord]) -> None:
        def do(assets: QuerySet[Asset], reason: str) -> list[str]:
            day = request.POST.get("until", "")
            if not day:
                raise Refused("Say until which day the signature is valid.")
            zone = time_zone.city_zone()
            until = datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), zone)
            return engineering.sign(assets, until, reason, audit.actor(request), clock.now())

        self._do(request, queryset, do, "signed")

    @admin.action(description="Withdraw the signature: loops may only advise there", permissions=["view"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[EngineeringRecord]) -> None:
        self._do(
            request, queryset, lambda assets, why: engineering.withdraw(assets, why, audit.actor(request)), "withdrawn"
        )

    def _do(
        self,
        request: HttpRequest,
        queryset: QuerySet[EngineeringRecord],
        do: Callable[[QuerySet[Asset], str], list[str]],
        done: str,
    ) -> None:
        reason = request.POST.get("reason", "").strip()
        try:
            if not reason:
                raise Refused("Say why, so that the next one knows.")
            uids = do(Asset.objects.filter(pk__in=queryset.values("asset")), reason)
        except (Refused, ValueError) as problem:
            messages.error(request, str(problem))
        else:
            messages.success(request, f"{len(uids)} {done}: {', '.join(uids[:10])}{' …' if len(uids) > 10 else ''}")
