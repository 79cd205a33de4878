# SPDX-License-Identifier: Apache-2.0
"""Commands and what grants, tags and overrides decide about them."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models

from smartcity.devices.models import Asset, Device, Zone
from smartcity.kernel.control import Mode, Priority, State

OPEN_STATES = [State.PROPOSED, State.APPROVED, State.QUEUED, State.SENT, State.RECEIVED, State.APPLIED]


class LoopMode(models.Model):
    """How far one loop may go in one zone, granted as a lease by a person or by the demo's default."""

    loop = models.CharField(max_length=60)
    zone = models.ForeignKey(Zone, on_delete=models.CASCADE, related_name="modes")
    mode = models.CharField(max_length=10, choices=[(m.value, m.value) for m in Mode])
    set_by = models.CharField(max_length=150)
    reason = models.CharField(max_length=500)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["loop", "zone"], name="one_mode_per_loop_and_zone")]

    def __str__(self) -> str:
        return f"{self.loop} in {self.zone_id}: {self.mode}"


class Lease(models.Model):
    """Who leads a job. Every command insert and send checks the epoch, so a paused leader cannot act twice."""

    name = models.CharField(max_length=60, primary_key=True)
    holder = models.CharField(max_length=120)
    epoch = models.PositiveBigIntegerField(default=0)
    expires = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} held by {self.holder} ({self.epoch})"


class Command(models.Model):
    """One setpoint under way. `at` fields are city time; rows move only by guarded updates."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="commands", null=True)
    zone = models.ForeignKey(Zone, on_delete=models.PROTECT, null=True, related_name="commands")
    device = models.ForeignKey(Device, on_delete=models.PROTECT, null=True, related_name="commands")
    domain = models.CharField(max_length=40)
    point = models.CharField(max_length=60)
    value: models.JSONField[Any, Any] = models.JSONField()
    state = models.CharField(max_length=12, default=State.PROPOSED)
    state_note = models.CharField(max_length=300, blank=True)
    priority = models.PositiveSmallIntegerField(default=Priority.OPTIMISER)
    issuer = models.CharField(max_length=150, help_text="A user's name or loop:NAME.")
    reason = models.CharField(max_length=500)
    alternative = models.CharField(max_length=300, blank=True)
    rests_on: models.JSONField[Any, Any] = models.JSONField(default=list)
    expect: models.JSONField[Any, Any] = models.JSONField(null=True)
    measured = models.FloatField(null=True, blank=True)
    sequence = models.PositiveBigIntegerField(default=0)
    epoch = models.PositiveBigIntegerField(default=0)
    simulated = models.BooleanField(default=False)
    idempotency_key = models.CharField(max_length=80, null=True, blank=True, unique=True)
    batch = models.CharField(max_length=64, blank=True, db_index=True, help_text="What was asked together.")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When its claim on the point ended early: replaced, lifted, returned.",
    )
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["state", "expires_at"]),
            models.Index(fields=["ended_at", "state"]),
            models.Index(fields=["state", "ended_at"]),
            models.Index(fields=["asset", "-created_at"]),
            models.Index(fields=["asset", "point", "released_at", "expires_at"]),
            models.Index(fields=["domain", "-created_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.point} = {self.value} ({self.state})"


class Transition(models.Model):
    """One step a command took."""

    command = models.ForeignKey(Command, on_delete=models.CASCADE, related_name="transitions")
    state = models.CharField(max_length=12)
    at = models.DateTimeField()
    note = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"{self.command_id} {self.state}"


class Override(models.Model):
    """An operator's setpoint: owner, reason, expiry. At most one stands per asset and point."""

    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="overrides")
    point = models.CharField(max_length=60)
    value: models.JSONField[Any, Any] = models.JSONField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="overrides")
    reason = models.CharField(max_length=500)
    since = models.DateTimeField()
    until = models.DateTimeField()
    command = models.ForeignKey(Command, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["asset", "point"], condition=models.Q(ended_at__isnull=True), name="one_standing_override"
            )
        ]

    def __str__(self) -> str:
        return f"{self.asset_id} {self.point} = {self.value}"


class LockOut(models.Model):
    """A tag under which every command to the asset is refused until its owner lifts it."""

    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="lockouts")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="lockouts")
    reason = models.CharField(max_length=500)
    placed_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["asset"], condition=models.Q(lifted_at__isnull=True), name="one_standing_tag"
            )
        ]

    def __str__(self) -> str:
        return f"{self.asset_id} locked out by {self.owner_id}"


class FastEvent(models.Model):
    """One request under a mode lease: compact, refusals counted, reasons sampled. `outcome` is a word of fastlog.py."""

    at = models.DateTimeField(db_index=True)
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="fast_events")
    point = models.CharField(max_length=60)
    value: models.JSONField[Any, Any] = models.JSONField()
    outcome = models.CharField(max_length=12)
    note = models.CharField(max_length=300, blank=True)
    lease = models.ForeignKey(Command, null=True, on_delete=models.SET_NULL, related_name="fast_events")

    def __str__(self) -> str:
        return f"{self.asset_id} {self.point} {self.outcome}"


class Baseline(models.Model):
    """What measured worth is compared with: a mean daily figure of a span, drawn by a stated design."""

    domain = models.CharField(max_length=40)
    kpi = models.CharField(max_length=60)
    name = models.CharField(max_length=120)
    value = models.FloatField()
    from_at = models.DateTimeField()
    to_at = models.DateTimeField()
    design = models.CharField(max_length=500, help_text="How it was drawn: before/after with controls, on/off days.")
    stored_by = models.CharField(max_length=150)
    stored_at = models.DateTimeField()
    withdrawn_by = models.CharField(max_length=150, blank=True)
    withdrawn_at = models.DateTimeField(null=True, help_text="Nothing is compared with it from then on.")

    class Meta:
        indexes = [models.Index(fields=["domain", "kpi", "stored_at"])]

    def __str__(self) -> str:
        return f"{self.domain} {self.kpi}: {self.name}"


class LedgerEntry(models.Model):
    """What a loop was worth in one span, beside its baseline. Simulated and measured are different columns."""

    domain = models.CharField(max_length=40)
    kpi = models.CharField(max_length=60)
    title = models.CharField(max_length=120)
    unit = models.CharField(max_length=30)
    from_at = models.DateTimeField()
    to_at = models.DateTimeField()
    simulated_value = models.FloatField(null=True)
    simulated_baseline = models.FloatField(null=True)
    measured_value = models.FloatField(null=True)
    measured_baseline = models.FloatField(null=True)
    baseline_name = models.CharField(max_length=120)
    lower_is_better = models.BooleanField(default=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "kpi", "from_at", "baseline_name"], name="one_entry_per_kpi_and_span"
            )
        ]
        verbose_name_plural = "ledger entries"

    def __str__(self) -> str:
        return f"{self.domain} {self.kpi} {self.from_at:%Y-%m-%d}"
