# SPDX-License-Identifier: Apache-2.0
"""Device descriptions in the city's database: a new version only where something has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from smartcity.devices.models import Device
from smartcity.ingest.control_words import Announcement


@dataclass(frozen=True, slots=True)
class Announced:
    """What a device is, as stored; `is_new` when this differs from what it said before."""

    uid: str
    description: dict[str, Any]
    version: int
    is_new: bool


def store(announcements: Sequence[Announcement]) -> list[Announced]:
    """The last of each device. Two queries."""
    last = {announcement.uid: announcement for announcement in announcements}
    told, changed = [], []
    columns = ("pk", "uid", "announced", "announced_version", "announced_at")
    for device in Device.objects.filter(uid__in=last).only(*columns):
        announcement = last[device.uid]
        is_new = device.announced_version == 0 or device.announced != announcement.description
        if is_new:
            device.announced = announcement.description
            device.announced_version += 1
            device.announced_at = datetime.fromtimestamp(announcement.received_at_ms / 1000, UTC)
            changed.append(device)
        told.append(Announced(device.uid, announcement.description, device.announced_version, is_new))
    if changed:
        Device.objects.bulk_update(changed, ["announced", "announced_version", "announced_at"], batch_size=200)
    return told
