# SPDX-License-Identifier: Apache-2.0
"""What the city owns, the devices that speak for it, and the series they fill."""

from __future__ import annotations

from typing import Any

from django.contrib.gis.db import models


class Zone(models.Model):
    """A part of the city: rights, modes and reports go by zone."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    area = models.MultiPolygonField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Asset(models.Model):
    """One thing the city owns. Domain models inherit it: one spatial index, one row for alarms and tags to point to."""

    uid = models.CharField(max_length=64, unique=True)
    domain = models.CharField(max_length=40)
    kind = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    geom = models.GeometryField(srid=4326)
    zone = models.ForeignKey(Zone, on_delete=models.PROTECT, related_name="assets")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children")
    source = models.CharField(max_length=120, blank=True, help_text="Where the record came from, e.g. the file's name.")
    external_id = models.CharField(max_length=120, blank=True)
    estimated = models.BooleanField(default=False, help_text="Not surveyed: stated rules filled in what the map lacks.")
    simulated = models.BooleanField(default=False, help_text="Exists only in the twin; never commanded in LIVE.")
    import_number = models.PositiveIntegerField(default=0)
    missing_since = models.DateTimeField(null=True, blank=True, help_text="Absent from the last import of its source.")

    class Meta:
        indexes = [models.Index(fields=["domain", "kind"]), models.Index(fields=["zone", "domain"])]
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "kind", "source", "external_id"],
                condition=~models.Q(external_id=""),
                name="asset_once_per_source",
            )
        ]

    def __str__(self) -> str:
        return f"{self.uid} {self.name}".strip()


class Device(models.Model):
    """An address and a key that speak for one asset."""

    uid = models.CharField(max_length=64, unique=True)
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="devices")
    codec = models.CharField(max_length=40, default="senml")
    secret_sha256 = models.BinaryField(max_length=32, null=True, editable=False)
    secret_changed_at = models.DateTimeField(null=True, blank=True)
    simulated = models.BooleanField(default=False)
    retired_at = models.DateTimeField(null=True, blank=True)
    announced = models.JSONField(default=dict, blank=True, help_text="What the device said it is when it connected.")
    announced_version = models.PositiveIntegerField(default=0)
    announced_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.uid


class DeviceCertificate(models.Model):
    """A client certificate the city has issued. The certificate and its key are with the device, not here.

    It outlives the device's row: who is set up again under the same name does not make a revoked one good.
    """

    uid = models.CharField(max_length=64, db_index=True)
    serial = models.CharField(max_length=40, unique=True, help_text="Hexadecimal.")
    fingerprint = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the DER form, hexadecimal.")
    issued_at = models.DateTimeField(auto_now_add=True)
    issued_by = models.CharField(max_length=150)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.uid} {self.serial}"


class Series(models.Model):
    """One device x one metric: what is stored, charted and forecast. Ids are never reused."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="series")
    metric = models.CharField(max_length=80, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["device", "metric"], name="one_series_per_device_and_metric")]
        verbose_name_plural = "series"

    def __str__(self) -> str:
        return f"{self.device_id}/{self.metric}"


class EngineeringRecord(models.Model):
    """Engineering data of an asset with the name that answers for it. Without a valid signature there is no auto."""

    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="engineering")
    version = models.PositiveIntegerField(default=1)
    data: models.JSONField[Any, Any] = models.JSONField(default=dict)
    basis = models.CharField(max_length=200, blank=True, help_text="Document or rule the data come from.")
    signed_by = models.CharField(max_length=150, blank=True)
    signed_at = models.DateTimeField(null=True, blank=True)
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    is_current = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["asset", "version"], name="engineering_version_once"),
            models.UniqueConstraint(
                fields=["asset"], condition=models.Q(is_current=True), name="one_current_engineering_record"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.asset_id} v{self.version}"


class LegalHold(models.Model):
    """What must not be deleted although its life is over: of a span of time, a domain, a zone or single series.

    What is named narrows it; a hold that names nothing is on everything of its span, also of devices nobody knows.
    """

    owner = models.CharField(max_length=150, help_text="Who asked for it and answers for it.")
    reason = models.CharField(max_length=500)
    domain = models.CharField(max_length=40, blank=True)
    zone = models.CharField(max_length=40, blank=True, help_text="Zone code; empty means every zone.")
    series: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True, help_text="Ids; empty means all.")
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True, blank=True, help_text="Empty means until it is lifted.")
    since = models.DateTimeField(auto_now_add=True)
    set_by = models.CharField(max_length=150)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.CharField(max_length=150, blank=True)
    lifted_because = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"hold {self.pk} of {self.owner}"


class GatewayToken(models.Model):
    """A key for a gateway that posts batches for many devices; shown once, stored as a hash."""

    name = models.CharField(max_length=80, unique=True)
    token_sha256 = models.BinaryField(max_length=32, editable=False)
    devices = models.ManyToManyField(Device, blank=True, related_name="gateways")
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Current(models.Manager[Any]):
    """Only the rows of the last finished import; while another runs, two sets of rows stand side by side."""

    def get_queryset(self) -> models.QuerySet[Any]:
        current = CityImport.objects.filter(is_current=True).values("pk")[:1]
        return super().get_queryset().filter(import_number=models.Subquery(current))


class Road(models.Model):
    """One directed piece of the routable graph; metres and seconds."""

    way = models.BigIntegerField(db_index=True)
    tail = models.BigIntegerField()
    head = models.BigIntegerField()
    name = models.CharField(max_length=200, blank=True)
    highway = models.CharField(max_length=40)
    length_m = models.FloatField()
    speed_ms = models.FloatField()
    lanes = models.PositiveSmallIntegerField(default=1)
    drivable = models.BooleanField(default=True)
    geom = models.LineStringField(srid=4326)
    import_number = models.PositiveIntegerField(default=0)

    objects = models.Manager["Road"]()
    current = Current()

    def __str__(self) -> str:
        return self.name or f"way {self.way}"


class TurnRestriction(models.Model):
    """No way from one road over a node to another."""

    from_way = models.BigIntegerField()
    via_node = models.BigIntegerField()
    to_way = models.BigIntegerField()
    import_number = models.PositiveIntegerField(default=0)

    objects = models.Manager["TurnRestriction"]()
    current = Current()

    def __str__(self) -> str:
        return f"{self.from_way} -x-> {self.to_way}"


class CityImport(models.Model):
    """One run of importcity or importassets: what it read, what it changed."""

    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64, blank=True)
    summary: models.JSONField[Any, Any] = models.JSONField(default=dict)
    is_current = models.BooleanField(default=False, help_text="Whose roads are in force.")

    def __str__(self) -> str:
        return f"import {self.pk} of {self.source}"
