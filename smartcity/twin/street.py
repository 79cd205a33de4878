# SPDX-License-Identifier: Apache-2.0
"""var/street.json, the only thing the twin knows of the city: its devices with their keys, the map and the seed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from smartcity.kernel.street import LonLat, StreetDevice

NAMES = frozenset(StreetDevice.__dataclass_fields__)


class BadStreet(Exception):
    """The street's file cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    """`mqtt` is host:port and `http` a URL, the city's two front doors; `map_file` the OpenStreetMap extract.

    `folder` is where files derived from the map may be kept.
    """

    devices: tuple[StreetDevice, ...]
    city: str = ""
    map_file: str = ""
    folder: str = ""
    zone: str = "UTC"
    seed: int = 1
    mqtt: str = "127.0.0.1:1883"
    http: str = "http://127.0.0.1:8000"
    assets: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def centre(self) -> LonLat:
        """Mean of the devices' places."""
        count = max(len(self.devices), 1)
        return sum(d.lon for d in self.devices) / count, sum(d.lat for d in self.devices) / count

    def by_domain(self, only: Sequence[str] = ()) -> dict[str, list[StreetDevice]]:
        """Devices of each domain, all or only those named, in the file's order."""
        found: dict[str, list[StreetDevice]] = defaultdict(list)
        for device in self.devices:
            if not only or device.domain in only:
                found[device.domain].append(device)
        return dict(sorted(found.items()))


def read(path: Path) -> Street:
    """Raises BadStreet."""
    try:
        found = msgspec.json.decode(path.read_bytes())
        devices = tuple(_device(entry) for entry in found["devices"])
        map_file = str(found["map"])
    except OSError:
        raise BadStreet(f"There is no street to simulate at {path}: run manage.py importcity FILE --demo.") from None
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
        raise BadStreet(f"{path} cannot be read ({error}): run manage.py importcity again.") from None
    return Street(
        devices=devices,
        city=str(found.get("city", "")),
        map_file=map_file,
        folder=str(path.resolve().parent / "street"),
        zone=str(found.get("zone", "UTC")),
        seed=int(found.get("seed", 1)),
        mqtt=str(found.get("mqtt", "127.0.0.1:1883")),
        http=str(found.get("http", "http://127.0.0.1:8000")),
        assets=tuple(found.get("assets", ())),
    )


def _device(entry: Mapping[str, Any]) -> StreetDevice:
    """The asset's own points, if it is more than a point, go into `twin`, where a domain's model finds them."""
    own = {name: value for name, value in entry.items() if name in NAMES}
    extra = {"points": tuple(tuple(p) for p in entry.get("points", ()))} | dict(entry.get("twin", {}))
    return StreetDevice(**own | {"metrics": tuple(entry.get("metrics", ())), "twin": extra})
