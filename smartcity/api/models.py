# SPDX-License-Identifier: Apache-2.0
"""Who may do what where, with which key, and what was done."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models


class Grant(models.Model):
    """An action a user or group may take, in one domain or all (empty), in one zone or all (empty)."""

    class Action(models.TextChoices):
        VIEW = "view", "See assets, readings and forecasts"
        OPERATE = "operate", "Acknowledge alarms, override, approve, change modes, lock out"
        CREW = "crew", "Work a round or a ticket on the street"
        CONFIGURE = "configure", "Devices, engineering data, imports"
        PERSONAL = "personal", "See personal data, and what is in quarantine and why"
        QUARANTINE = "quarantine", "Read the bodies of quarantined messages"
        HOLD = "hold", "Set and lift legal holds"
        ADMINISTER = "administer", "Lift tags of others"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="grants"
    )
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.CASCADE, related_name="grants")
    action = models.CharField(max_length=20, choices=Action.choices)
    domain = models.CharField(max_length=40, blank=True)
    zone = models.CharField(max_length=40, blank=True, help_text="Zone code; empty means every zone.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=False, group__isnull=True)
                | models.Q(user__isnull=True, group__isnull=False),
                name="grant_to_user_or_group",
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.domain or 'all domains'} {self.zone or 'all zones'}"


class ApiToken(models.Model):
    """A key for another system; shown once, stored as SHA-256 of a 256-bit random."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    token_sha256 = models.BinaryField(max_length=32, editable=False, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class AppendOnly(models.QuerySet["AuditEntry"]):
    """Entries are added and read; the database refuses to change one, and PostgreSQL to delete one."""

    def delete(self) -> NoReturn:
        raise PermissionError("The audit is append-only.")


class AuditEntry(models.Model):
    """One change: who, from where, what it was, what it is, why. Append-only: the database itself sees to it."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    who = models.CharField(max_length=150)
    address = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=160, db_index=True)
    before: models.JSONField[Any, Any] = models.JSONField(null=True)
    after: models.JSONField[Any, Any] = models.JSONField(null=True)
    reason = models.CharField(max_length=500, blank=True)

    objects = AppendOnly.as_manager()

    class Meta:
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.who} {self.action} {self.subject}"
