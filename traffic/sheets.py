# SPDX-License-Identifier: Apache-2.0
"""Timing sheets in the database: an intersection, its versions, and the draft its cabinet announces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smartcity.api.access import Scope
from smartcity.api.audit import Actor
from smartcity.api.views import ms
from smartcity.devices import engineering
from smartcity.devices.models import Device, EngineeringRecord
from traffic.engineering import record
from traffic.engineering.announced import Arm, NotAnnounced, draft
from traffic.engineering.check import findings, may_be_signed
from traffic.engineering.shape import BadSheet, write
from traffic.engineering.sheet import Index, Sheet
from traffic.models import Approach, Intersection


def intersection(uid: str, reach: Scope) -> Intersection | None:
    return Intersection.objects.filter(reach.where(), uid=uid).select_related("zone").first()


def versions(place: Intersection) -> list[EngineeringRecord]:
    """Newest first."""
    return list(EngineeringRecord.objects.filter(asset=place).order_by("-version"))


def announced(place: Intersection) -> Sheet:
    """Raises NotAnnounced."""
    device = Device.objects.filter(asset=place, retired_at=None).order_by("pk").first()
    if device is None or not device.announced:
        raise NotAnnounced("The cabinet has not announced its stages yet.")
    return draft(place.uid, place.name, device.announced, _arms(place))


def _arms(place: Intersection) -> list[Arm]:
    rows = Approach.objects.filter(parent=place, missing_since=None).order_by("heading", "uid")
    return [Arm(row.uid, row.name, row.heading, row.speed_kmh, row.lanes or 1, row.length_m) for row in rows]


def save(place: Intersection, sheet: Sheet, basis: str, by: Actor, *, after: int | None = None) -> EngineeringRecord:
    """A new version that waits for a signature. Raises Taken where another was saved after version `after`."""
    return engineering.draw_up(place, record.data(sheet), basis, by, after=after)


def judged(sheet: Sheet) -> dict[str, Any]:
    """What is wrong with it, and the changes between the stages of each plan, seconds by plan and place."""
    found, index = findings(sheet), Index(sheet)
    return {
        "findings": [
            {"severity": str(f.severity), "part": f.part, "subject": f.subject, "sentence": f.sentence} for f in found
        ],
        "may_be_signed": may_be_signed(found),
        "changes_s": {str(plan.number): list(index.changes_s(plan)) for plan in sheet.plans},
    }


def shown(place: Intersection, number: int | None) -> dict[str, Any]:
    """Version `number`, else the newest that holds a sheet, else the draft its cabinet announces (version null)."""
    rows = versions(place)
    row = next((r for r in rows if (r.version == number if number else "sheet" in r.data)), None)
    sheet, said = (None, "") if row is None else _read(row.data)
    if row is None and number is None:
        sheet, said = _from_cabinet(place)
    return {
        "uid": place.uid,
        "name": place.name,
        "version": row.version if row else None,
        "newest": rows[0].version if rows else 0,
        "versions": [_line(r) for r in rows],
        "sheet": write(sheet) if sheet else None,
        "why_none": said,
        **(judged(sheet) if sheet else {"findings": [], "may_be_signed": False, "changes_s": {}}),
    }


def _read(data: Mapping[str, Any]) -> tuple[Sheet | None, str]:
    try:
        sheet = record.sheet_of(data)
    except BadSheet as problem:
        return None, f"This version cannot be read: {problem}."
    return sheet, "" if sheet else "This version holds limits only, no timing sheet."


def _from_cabinet(place: Intersection) -> tuple[Sheet | None, str]:
    try:
        return announced(place), ""
    except NotAnnounced as lacking:
        return None, str(lacking)


def _line(row: EngineeringRecord) -> dict[str, Any]:
    plain = {name: getattr(row, name) for name in ("version", "basis", "signed_by", "is_current")}
    instants = {name: ms(getattr(row, name)) for name in ("signed_at", "valid_from", "valid_until")}
    return plain | instants | {"has_sheet": "sheet" in row.data}
