# SPDX-License-Identifier: Apache-2.0
"""var/street.json: all the twin knows of the city. Secrets are in it in plain, so only its owner may read it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from smartcity.devices import credentials, time_zone
from smartcity.devices.asset_writer import middle
from smartcity.devices.models import Asset
from smartcity.devices.plan import Planned


def path() -> Path:
    return Path(settings.VAR) / "street.json"


def load() -> dict[str, Any]:
    """What the last import wrote; empty where there is none or it cannot be read."""
    try:
        found = json.loads(path().read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def secrets() -> dict[str, str]:
    """The secrets the street holds, by device uid."""
    return {entry["uid"]: entry["secret"] for entry in load().get("devices", ())}


def entry(item: Planned, asset: Asset, parent_uid: str) -> dict[str, Any]:
    """One asset as the twin sees it; devices get their uid and secret on top."""
    draft = item.draft
    lon, lat = middle(draft.points)
    return {
        "uid": asset.uid,
        "domain": item.domain,
        "kind": draft.kind,
        "external_id": draft.external_id,
        "name": draft.name,
        "lon": lon,
        "lat": lat,
        "points": draft.points,
        "parent": parent_uid,
        "fields": dict(draft.fields),
        "engineering": dict(draft.engineering),
        "codec": draft.device.codec if draft.device else "",
        "metrics": draft.device.metrics if draft.device else (),
        "twin": {**(draft.device.twin if draft.device else {}), "zone": time_zone.city()},
    }


def write(
    devices: Sequence[Mapping[str, Any]], assets: Sequence[Mapping[str, Any]], *, name: str, map_file: str
) -> None:
    """Replace the file. `assets` are those without a device, which a twin may still want to know (a feeder)."""
    _replace(
        {
            "city": name,
            "map": map_file,
            "zone": time_zone.city(),
            "seed": settings.SEED,
            "mqtt": settings.MQTT_ADDRESS,
            "http": "http://127.0.0.1:8000",
            "devices": devices,
            "assets": assets,
        }
    )


def renew(uid: str, secret: str) -> None:
    """Give a simulated device its new secret, if the street has it."""
    street = load()
    found = [device for device in street.get("devices", ()) if device["uid"] == uid]
    if found:
        found[0]["secret"] = secret
        _replace(street)


def move_to(zone: str) -> None:
    """Tell the twin which time zone the city lives in, if there is a street and it says otherwise."""
    street = load()
    if street and street.get("zone") != zone:
        for entry in (*street.get("devices", ()), *street.get("assets", ())):
            entry["twin"]["zone"] = zone
        _replace(street | {"zone": zone})


def still_valid(uid: str, stored: bytes | memoryview | None, known: Mapping[str, str]) -> str:
    """The secret the street already holds for a device, or nothing when it is not the device's any more."""
    secret = known.get(uid, "")
    return secret if secret and credentials.matches(secret, stored) else ""


def _replace(street: Mapping[str, Any]) -> None:
    part = path().with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(street, file)
    os.replace(part, path())
