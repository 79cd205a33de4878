# SPDX-License-Identifier: Apache-2.0
"""Administration: accounts and what they may do where, keys of other systems, the audit. For superusers only.

Whatever is changed here leaves its audit entry in the transaction of the change.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import model_to_dict
from django.http import HttpRequest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from smartcity import domains
from smartcity.api import audit
from smartcity.api.authentication import give_key
from smartcity.api.models import ApiToken, AuditEntry, Grant

NOT_TOLD = ("password", "last_login", "date_joined", "user_permissions", "permissions", "token_sha256")


class GrantForm(forms.ModelForm[Grant]):
    """Domains by their names. The zone is a code, so that a grant may be given before the city is imported."""

    class Meta:
        model = Grant
        fields = ("action", "domain", "zone")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "every domain")]
        choices += [(config.label, config.title or config.label.title()) for config in domains.installed()]
        self.fields["domain"] = forms.ChoiceField(choices=choices, required=False)
        self.fields["zone"].widget.attrs["placeholder"] = "every zone"


class GrantsOf(admin.TabularInline[Grant, Model]):
    model = Grant
    form = GrantForm
    extra = 1
    verbose_name_plural = "May do"


class Audited(admin.ModelAdmin[Any]):
    """Writes down who changed what, how it was and how it is, in the transaction of the change."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Django runs forms in a transaction, but not what is done to several rows at once."""
        with transaction.atomic():
            return super().changelist_view(request, extra_context)

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            request.city_before = _state(found)  # type: ignore[attr-defined]
        return found

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._record(request, obj, "added", None, _state(obj))
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._record(request, obj, "changed", getattr(request, "city_before", None), _state(obj))
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        for obj in queryset:
            self._record(request, obj, "removed", _state(obj), None)
        return super().log_deletions(request, queryset)

    def _record(self, request: HttpRequest, obj: Model, what: str, before: Any, after: Any) -> None:
        action = f"{obj._meta.verbose_name} {what}"
        audit.record(audit.actor(request), action, str(obj), before=before, after=after)


def _state(obj: Model) -> dict[str, Any]:
    """What the audit tells of it, as it stands in the database now; no secrets."""
    fields = model_to_dict(obj, exclude=NOT_TOLD)
    fields |= {name: sorted(map(str, value)) for name, value in fields.items() if isinstance(value, list)}
    grants = getattr(obj, "grants", None)
    return fields | ({"grants": [str(grant) for grant in grants.order_by("pk")]} if grants is not None else {})


class Accounts(Audited, UserAdmin[Any]):
    inlines = (GrantsOf,)
    list_display = ("username", "first_name", "last_name", "email", "is_active", "is_superuser", "may")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Access", {"fields": ("is_active", "is_superuser", "groups"), "description": (
            "A superuser may do everything, and only superusers reach these pages. Everybody else may do what is "
            "granted below, or to one of their groups."
        )}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("grants")

    @admin.display(description="May do")
    def may(self, user: Any) -> str:
        return "everything" if user.is_superuser else "; ".join(map(str, user.grants.all())) or "nothing yet"

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj is not None else ()


class Groups(Audited, GroupAdmin):
    inlines = (GrantsOf,)
    fields = ("name",)


class TokenForm(forms.ModelForm[ApiToken]):
    class Meta:
        model = ApiToken
        fields = ("user", "name", "expires_at")


@admin.register(ApiToken)
class Tokens(Audited):
    """Keys are shown once, when they are made; afterwards they can only be revoked."""

    form = TokenForm
    list_display = ("name", "user", "created_at", "expires_at", "revoked_at")
    list_select_related = ("user",)
    actions = ("revoke",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        key = give_key(obj)
        obj.save()
        messages.warning(request, f"The key of {obj.name} is {key} - it is shown this once, copy it now.")

    @admin.action(description="Revoke the chosen keys", permissions=["view"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        for token in queryset.filter(revoked_at=None):
            audit.record(audit.actor(request), "api token revoked", str(token))
        count = queryset.filter(revoked_at=None).update(revoked_at=timezone.now())
        messages.success(request, f"{count} revoked.")


@admin.register(AuditEntry)
class Audit(admin.ModelAdmin[AuditEntry]):
    """To read; nobody changes what was."""

    list_display = ("at", "who", "address", "action", "subject", "reason")
    list_filter = ("action", "who")
    search_fields = ("subject", "who", "reason", "request_id")
    date_hierarchy = "at"
    readonly_fields = tuple(field.name for field in AuditEntry._meta.fields)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


admin.site.unregister(DBTaskResult)
admin.site.unregister(get_user_model())
admin.site.unregister(Group)
admin.site.register(get_user_model(), Accounts)
admin.site.register(Group, Groups)
