# SPDX-License-Identifier: Apache-2.0
"""The engineering record of an intersection: the sheet, and beside it the few figures limit checks and alarms read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from traffic.engineering.check import findings, may_be_signed
from traffic.engineering.compare import changes
from traffic.engineering.findings import Severity
from traffic.engineering.shape import BadSheet, read, write
from traffic.engineering.sheet import Kind, Sheet


def data(sheet: Sheet) -> dict[str, Any]:
    """What is stored: the strictest minimum green and maximum red of all groups, the plans' numbers, the sheet."""
    driven = [group.min_green_s for group in sheet.groups if group.kind is not Kind.PEDESTRIAN]
    return {
        "min_green_s": max(driven, default=0.0),
        "max_red_s": min((group.max_red_s for group in sheet.groups), default=0.0),
        "plans": [plan.number for plan in sheet.plans],
        "sheet": write(sheet),
    }


def sheet_of(stored: Mapping[str, Any]) -> Sheet | None:
    """None where the record holds limits only. Raises BadSheet."""
    return read(stored["sheet"]) if "sheet" in stored else None


def why_not(stored: Mapping[str, Any]) -> list[str]:
    """What keeps the record from being signed, a sentence each; a record without a sheet is not for this to judge."""
    try:
        sheet = sheet_of(stored)
    except BadSheet as problem:
        return [f"The timing sheet cannot be read: {problem}."]
    if sheet is None:
        return []
    found = findings(sheet)
    if may_be_signed(found):
        return [] if stored == data(sheet) else ["The limits beside the sheet are not those of the sheet."]
    return [finding.sentence for finding in found if finding.severity is not Severity.WARNING]


def words(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str] | None:
    """What changed between two records, or None where one of them has no sheet to compare."""
    try:
        before, after = sheet_of(old), sheet_of(new)
    except BadSheet:
        return None
    return changes(before, after) if before and after else None
