# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from django.contrib.gis.db import models

from smartcity.devices.models import Asset


class Container(Asset):
    """A place where waste is put in (WasteContainer); its fixed rota stays as the baseline, whatever is planned."""

    stream = models.CharField(max_length=20, default="residual")
    volume_l = models.FloatField(null=True, blank=True)
    kg_full = models.FloatField(null=True, blank=True, help_text="Weight when full, kg; not planned without it.")
    empty_mm = models.FloatField(null=True, blank=True, help_text="Echo distance when empty, mm.")
    full_mm = models.FloatField(null=True, blank=True, help_text="Echo distance when full, mm.")
    service_s = models.FloatField(null=True, blank=True, help_text="Time one emptying takes, s.")
    access_from = models.FloatField(default=0.0, help_text="Local hour from which a truck may stop here.")
    access_to = models.FloatField(default=24.0)
    rota_every_days = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Empty: on no fixed rota.")
    rota_phase = models.PositiveSmallIntegerField(default=0)


class Depot(Asset):
    """Where trucks begin and end their shift."""


class UnloadSite(Asset):
    """Transfer station or disposal site."""

    service_s = models.FloatField(null=True, blank=True, help_text="Weighing and tipping, s.")
    open_from = models.FloatField(null=True, blank=True, help_text="Local hour; not planned without opening hours.")
    open_to = models.FloatField(null=True, blank=True)


class Truck(Asset):
    """A collection truck with its crew; the depot is its parent."""

    capacity_kg = models.FloatField(default=4000.0)
    shift_from = models.FloatField(default=6.0, help_text="Local hour.")
    shift_to = models.FloatField(default=14.0)


class StopReport(models.Model):
    """What a crew said about one stop. The id is made on the phone, so that a tap sent twice counts once."""

    class Outcome(models.TextChoices):
        DONE = "done", "Done"
        BLOCKED = "blocked", "Blocked"
        OVERFULL = "overfull", "Overfull"

    id = models.UUIDField(primary_key=True)
    truck = models.ForeignKey(Truck, on_delete=models.PROTECT, related_name="reports")
    container = models.ForeignKey(Container, on_delete=models.PROTECT, related_name="reports")
    outcome = models.CharField(max_length=12, choices=Outcome.choices)
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(db_index=True, help_text="When it was tapped, city time.")
    by = models.CharField(max_length=150)
    simulated = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.container} {self.outcome}"
