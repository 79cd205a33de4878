# SPDX-License-Identifier: Apache-2.0
"""Alarms after ISA-18.2 and who wants to hear of them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from smartcity.devices.models import Asset, Zone
from smartcity.kernel.alarms import Severity


class Alarm(models.Model):
    """One condition on one asset: raised, acknowledged or shelved, cleared. At most one stands per condition.

    Without an asset it is a condition of a zone and stands for `members`, the uids behind it.
    """

    rule = models.CharField(max_length=80)
    asset = models.ForeignKey(Asset, null=True, on_delete=models.CASCADE, related_name="alarms")
    zone = models.ForeignKey(Zone, on_delete=models.PROTECT, related_name="alarms")
    members: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    domain = models.CharField(max_length=40)
    severity = models.PositiveSmallIntegerField(choices=[(s.value, s.word) for s in Severity])
    text = models.CharField(max_length=300)
    value = models.FloatField(null=True)
    unit = models.CharField(max_length=60, blank=True)
    series = models.PositiveIntegerField(null=True, help_text="Which series showed it; lives in the telemetry store.")
    raised_at = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.CharField(max_length=150, blank=True)
    note = models.CharField(max_length=500, blank=True)
    shelved_until = models.DateTimeField(null=True, blank=True)
    shelved_by = models.CharField(max_length=150, blank=True)
    shelved_why = models.CharField(max_length=500, blank=True)
    occurrences = models.PositiveIntegerField(default=1)
    simulated = models.BooleanField(default=False)
    changed = models.PositiveBigIntegerField(
        default=0, db_index=True, help_text="City milliseconds of the last change."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "asset"], condition=models.Q(cleared_at__isnull=True), name="one_active_alarm"
            ),
            models.UniqueConstraint(
                fields=["rule", "domain", "zone"],
                condition=models.Q(cleared_at__isnull=True, asset__isnull=True),
                name="one_active_zone_alarm",
            ),
        ]
        indexes = [models.Index(fields=["cleared_at", "severity", "-raised_at"])]

    def __str__(self) -> str:
        return self.text


class PushSubscription(models.Model):
    """A browser that wants to be told, with the severities and domains its user chose."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="push_subscriptions")
    endpoint = models.URLField(max_length=600, unique=True)
    p256dh = models.CharField(max_length=120)
    auth = models.CharField(max_length=60)
    worst_only = models.PositiveSmallIntegerField(default=Severity.HIGH)
    domains: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    failed = models.PositiveSmallIntegerField(default=0)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.user_id}: {self.endpoint[:40]}"


class MailSubscription(models.Model):
    """A user who wants to be told by e-mail, at the address of the account."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mail_subscription")
    worst_only = models.PositiveSmallIntegerField(default=Severity.CRITICAL)
    domains: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)

    def __str__(self) -> str:
        return f"mail to {self.user_id}"


class Notice(models.Model):
    """One message owed to one subscriber: written with the alarm, sent afterwards, retried, kept. Wall time.

    Without an alarm it is a test a user asked for.
    """

    alarm = models.ForeignKey(Alarm, null=True, on_delete=models.CASCADE, related_name="notices")
    channel = models.CharField(max_length=10)
    subscription = models.ForeignKey(PushSubscription, null=True, on_delete=models.SET_NULL, related_name="notices")
    address = models.CharField(max_length=254, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(default=timezone.now, db_index=True)
    given_up_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"{self.channel} for alarm {self.alarm_id or 'test'}"
