# SPDX-License-Identifier: Apache-2.0
"""A program run before a city is: its first start without the serving, then lamps that can speak, and a gateway's key
that speaks for the last of them.

    python -m benchmarks.chaos.provision DEVICES OF_THEM_BEHIND_THE_GATEWAY [KIND]

The secrets follow from the names: these cities live for minutes on this machine's loopback. It prints what a first
start prints, the administrator's password among it.
"""

from __future__ import annotations

import hashlib
import sys

import django

from benchmarks.chaos.history import METRICS

FIRST = "CH-"
TOKEN = hashlib.sha256(b"the gateway of the chaos").hexdigest()


def uid(device: int) -> str:
    return f"{FIRST}{device}"


def secret(name: str) -> str:
    return hashlib.sha256(f"chaos {name}".encode()).hexdigest()


def provision(devices: int, behind_gateway: int, kind: str = "street_light") -> None:
    from django.contrib.gis.geos import Point

    from smartcity.devices.credentials import digest
    from smartcity.devices.models import Asset, Device, GatewayToken, Series, Zone

    zone, _ = Zone.objects.get_or_create(code="chaos", defaults={"name": "Chaos"})
    names = [uid(n) for n in range(devices)]
    place = Point(25, 60)
    assets = [Asset(uid=name, domain="lighting", kind=kind, name=name, geom=place, zone=zone) for name in names]
    Asset.objects.bulk_create(assets)
    made = [Device(uid=a.uid, asset=a, secret_sha256=digest(secret(a.uid))) for a in assets]
    Device.objects.bulk_create(made)
    Series.objects.bulk_create([Series(device=device, metric=metric) for device in made for metric in METRICS])
    if behind_gateway:
        GatewayToken.objects.create(name="chaos", token_sha256=digest(TOKEN)).devices.add(*made[-behind_gateway:])


def prepare() -> None:
    from django.conf import settings

    from smartcity import firstrun

    firstrun.write_secrets(settings.VAR / "secrets")
    firstrun.prepare(print, city=None, demo=False, ceiling=None)


if __name__ == "__main__":
    django.setup()
    prepare()
    provision(int(sys.argv[1]), int(sys.argv[2]), "".join(sys.argv[3:]) or "street_light")
