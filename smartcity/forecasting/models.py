# SPDX-License-Identifier: Apache-2.0
"""Forecasts as they were issued, which method each series trusts, and how good it turned out. Instants are ms."""

from __future__ import annotations

from typing import Any

from django.db import models

from smartcity.devices.models import Series, Zone


class IssuedForecast(models.Model):
    """Quantiles [levels, horizon] as little-endian float32, row by row. One row a series is current.

    `is_kept` marks the first of each quarter of a UTC day: those are scored and outlive the others.
    """

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="forecasts")
    issued_at = models.BigIntegerField()
    start = models.BigIntegerField(help_text="Instant the first step begins.")
    end = models.BigIntegerField(help_text="Instant the last step ends.")
    step_s = models.PositiveIntegerField()
    levels: models.JSONField[Any, Any] = models.JSONField()
    values = models.BinaryField()
    method = models.CharField(max_length=40, blank=True)
    basis = models.CharField(max_length=12)
    note = models.TextField(blank=True)
    skill = models.FloatField(null=True)
    is_current = models.BooleanField(default=True)
    is_kept = models.BooleanField(default=False)
    is_scored = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series", "issued_at"], name="one_forecast_per_series_and_instant"),
            models.UniqueConstraint(
                fields=["series"], condition=models.Q(is_current=True), name="one_current_forecast_per_series"
            ),
        ]
        indexes = [
            models.Index(fields=["end"], condition=models.Q(is_kept=True, is_scored=False), name="forecast_to_score"),
            models.Index(fields=["issued_at"], name="forecast_by_age"),
        ]

    def __str__(self) -> str:
        return f"forecast of {self.series_id} at {self.issued_at}"


class StandingColumns(models.Model):
    """How a backtest shares a past out among methods, and how wide its band should be."""

    made_at = models.BigIntegerField()
    ladder: models.JSONField[Any, Any] = models.JSONField()
    skill = models.FloatField(null=True)
    windows = models.PositiveIntegerField(default=0)
    asked = models.FloatField(default=1.0, help_text="How much wider the backtest asks the band to be.")
    miss = models.FloatField(default=0.2, help_text="Share of misses an 80 % band aims at, as its record asks for.")
    judged = models.PositiveIntegerField(default=0, help_text="Forecasts that have met what came.")
    shares: models.JSONField[Any, Any] = models.JSONField(
        null=True, help_text="[ladder, blocks]; null: all the first's."
    )

    class Meta:
        abstract = True


class Calibration(StandingColumns):
    """A series' own."""

    series = models.OneToOneField(Series, on_delete=models.CASCADE, related_name="calibration")

    def __str__(self) -> str:
        return f"{self.series_id}: {self.ladder}"


class Champion(models.Model):
    """Which methods a backtest trusted from then on; a row only where the first of them or a share has moved."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="champions")
    since = models.BigIntegerField()
    shares: models.JSONField[Any, Any] = models.JSONField(help_text="Method to its mean share of the horizon.")
    skill = models.FloatField(null=True)
    is_current = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["series"], condition=models.Q(is_current=True), name="one_current_champion_per_series"
            ),
        ]
        indexes = [models.Index(fields=["series", "since"], name="champion_by_series")]

    def __str__(self) -> str:
        return f"{self.series_id} since {self.since}: {self.shares}"


class Drift(models.Model):
    """A series whose forecasts have become worse: since when, by how much, and until when. See drift.py."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="drifts")
    what = models.CharField(max_length=8, help_text="error: MASE by day; misses: share of steps outside the 80 % band.")
    since = models.BigIntegerField()
    noticed_at = models.BigIntegerField()
    before = models.FloatField()
    after = models.FloatField()
    ended_at = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["series", "what"], condition=models.Q(ended_at=None), name="one_drift_per_series_and_figure"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.what} of {self.series_id} since {self.since}"


class Pin(models.Model):
    """A person's word that a series, or all of a metric and kind, is foreseen by one method until it is lifted."""

    series = models.ForeignKey(Series, null=True, blank=True, on_delete=models.CASCADE, related_name="pins")
    metric = models.CharField(max_length=80)
    kind = models.CharField(max_length=40)
    method = models.CharField(max_length=40)
    reason = models.CharField(max_length=500)
    owner = models.CharField(max_length=150)
    since = models.BigIntegerField()
    lifted_at = models.BigIntegerField(null=True)
    lifted_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["series"], condition=models.Q(lifted_at=None, series__isnull=False), name="one_pin_per_series"
            ),
            models.UniqueConstraint(
                fields=["metric", "kind"],
                condition=models.Q(lifted_at=None, series__isnull=True),
                name="one_pin_per_metric_and_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.series_id or f'{self.metric} of {self.kind}'} by {self.method}"


class Score(models.Model):
    """One forecast beside what came. Errors are means over its steps with an actual, in the metric's unit.

    `first_…` are the same of the first day alone, where the horizon is longer; what is null was not measured.
    """

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="scores")
    issued_at = models.BigIntegerField()
    method = models.CharField(max_length=40)
    n = models.PositiveIntegerField()
    mae = models.FloatField()
    loss = models.FloatField(help_text="Quantile loss, mean of nine levels.")
    naive_mae = models.FloatField(null=True, help_text="Of the value one longest season before.")
    inside80 = models.PositiveIntegerField(help_text="Steps whose actual lay inside the 80 % band.")
    inside95 = models.PositiveIntegerField(null=True)
    bias = models.FloatField(null=True, help_text="Mean of actual − median.")
    scale = models.FloatField(null=True, help_text="Mean change from a day to the next before the forecast (MASE).")
    first_n = models.PositiveIntegerField(null=True)
    first_mae = models.FloatField(null=True)
    first_naive_mae = models.FloatField(null=True)
    first_inside80 = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series", "issued_at"], name="one_score_per_forecast")]
        indexes = [models.Index(fields=["issued_at"], name="score_by_age")]

    def __str__(self) -> str:
        return f"score of {self.series_id} at {self.issued_at}"


class WeatherVintage(models.Model):
    """A weather forecast of one quantity as it was issued: little-endian float32, `values[k]` from start + k · step.

    `is_kept` marks the first of each quarter of a UTC day: those outlive the others, and backtests learn from them.
    """

    issued_at = models.BigIntegerField()
    quantity = models.CharField(max_length=20)
    start = models.BigIntegerField()
    step_s = models.PositiveIntegerField()
    values = models.BinaryField()
    is_kept = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["quantity", "issued_at"], name="one_vintage_per_instant")]

    def __str__(self) -> str:
        return f"{self.quantity} issued at {self.issued_at}"


class WeatherState(models.Model):
    """One row: how fetching the weather goes. `source` is empty where none is set."""

    source = models.CharField(max_length=200, blank=True)
    looked_at = models.BigIntegerField()
    issued_at = models.BigIntegerField(null=True, help_text="Of the newest forecast that was taken.")
    taken = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=500, blank=True, help_text="Of the last attempt; empty when it went well.")

    def __str__(self) -> str:
        return f"weather from {self.source or 'nowhere'}"


class Event(models.Model):
    """Something people know is coming, and what it touches. Never changed: a change is a new row that `replaces` it.

    Full effect from start to end, growing over `before_s` and fading over `after_s`. It touches series in the zone, if
    one is given, within `radius_m` of (lon, lat), if given, and of a domain or metric in `concerns`, if any is named.
    """

    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=40)
    start = models.BigIntegerField()
    end = models.BigIntegerField()
    before_s = models.PositiveIntegerField(default=0)
    after_s = models.PositiveIntegerField(default=0)
    zone = models.ForeignKey(Zone, null=True, blank=True, on_delete=models.CASCADE, related_name="events")
    lon = models.FloatField(null=True, blank=True)
    lat = models.FloatField(null=True, blank=True)
    radius_m = models.FloatField(null=True, blank=True)
    concerns: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    expected_percent = models.FloatField(null=True, blank=True)
    reason = models.CharField(max_length=500)
    owner = models.CharField(max_length=150)
    entered_at = models.BigIntegerField()
    cancelled_at = models.BigIntegerField(null=True)
    cancelled_by = models.CharField(max_length=150, blank=True)
    replaces = models.OneToOneField("self", null=True, on_delete=models.SET_NULL, related_name="replaced_by")

    class Meta:
        indexes = [models.Index(fields=["end"], name="event_by_end")]

    def __str__(self) -> str:
        return f"{self.name} at {self.start}"


class FleetJob(models.Model):
    """A slice of one target's series, to be backtested or foreseen as of one instant: done with the rows it writes.

    Nobody claims it. Whoever comes to its end second finds it done and writes nothing.
    """

    class What(models.TextChoices):
        ISSUE = "issue"
        CALIBRATE = "calibrate"

    target = models.CharField(max_length=160)
    what = models.CharField(max_length=10, choices=What)
    origin = models.BigIntegerField(help_text="City instant: nothing later is known to the forecast.")
    first = models.BigIntegerField(help_text="Smallest id of a series of the slice; the largest is `last`.")
    last = models.BigIntegerField()
    series = models.PositiveIntegerField()
    done_at = models.BigIntegerField(null=True, help_text="Wall clock.")
    done_by = models.CharField(max_length=120, blank=True)
    seconds = models.FloatField(null=True)
    written = models.PositiveIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0, help_text="How often it has failed.")
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["target", "what", "origin", "first"], name="one_fleet_job_per_slice"),
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.target} {self.first} to {self.last} as of {self.origin}"


class CardApproval(models.Model):
    """A person's word that forecasts of a metric and kind may be used as their model card says. Written once."""

    metric = models.CharField(max_length=80)
    kind = models.CharField(max_length=40)
    owner = models.CharField(max_length=150, help_text="The desk or person that answers for it.")
    contact = models.EmailField(blank=True)
    basis = models.CharField(max_length=300, blank=True, help_text="The decision that allows it.")
    reason = models.CharField(max_length=500)
    approved_by = models.CharField(max_length=150)
    approved_at = models.BigIntegerField()
    code = models.CharField(max_length=16, help_text="Digest of the methods that were approved.")
    figures: models.JSONField[Any, Any] = models.JSONField(null=True, help_text="The board's, as they stood then.")

    class Meta:
        indexes = [models.Index(fields=["metric", "kind", "approved_at"], name="card_approval_newest")]

    def __str__(self) -> str:
        return f"{self.metric} of {self.kind}, approved by {self.approved_by}"


class ForecastNode(models.Model):
    """A place in the tree of a target: the city, a district, a street, a series. `key` stays while it is called so."""

    metric = models.CharField(max_length=80)
    kind = models.CharField(max_length=120, help_text="Kinds of the target's assets, between commas.")
    key = models.CharField(max_length=400, blank=True)
    level = models.CharField(max_length=40)
    label = models.CharField(max_length=200)
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="children")
    series = models.ForeignKey(Series, null=True, on_delete=models.CASCADE, related_name="nodes")
    members = models.PositiveIntegerField()
    zones: models.JSONField[Any, Any] = models.JSONField(default=list, help_text="Codes of the zones it reaches into.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["metric", "kind", "key"], name="one_node_per_place")]

    def __str__(self) -> str:
        return f"{self.metric} of {self.label}"


class NodeCalibration(StandingColumns):
    """A node's backtest; its errors at instants that all nodes of its tree share, as little-endian float32."""

    node = models.OneToOneField(ForecastNode, on_delete=models.CASCADE, related_name="calibration")
    errors = models.BinaryField(default=b"")

    def __str__(self) -> str:
        return f"{self.node_id}: {self.ladder}"


class NodeForecast(models.Model):
    """A node's forecast as issued, coherent with all of its tree: means [horizon] and quantiles [levels, horizon]."""

    node = models.ForeignKey(ForecastNode, on_delete=models.CASCADE, related_name="forecasts")
    issued_at = models.BigIntegerField()
    start = models.BigIntegerField(help_text="Instant the first step begins.")
    step_s = models.PositiveIntegerField()
    levels: models.JSONField[Any, Any] = models.JSONField()
    means = models.BinaryField()
    values = models.BinaryField()
    note = models.TextField(blank=True)
    is_current = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["node", "issued_at"], name="one_forecast_per_node_and_instant"),
            models.UniqueConstraint(
                fields=["node"], condition=models.Q(is_current=True), name="one_current_forecast_per_node"
            ),
        ]
        indexes = [models.Index(fields=["issued_at"], name="node_forecast_by_age")]

    def __str__(self) -> str:
        return f"forecast of {self.node_id} at {self.issued_at}"
