# SPDX-License-Identifier: Apache-2.0
"""Devices as a CSV file: `device, asset, codec, metrics`; asset defaults to the device, codec to senml."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from smartcity.devices.models import Asset, Device
from smartcity.devices.provisioning import Issued, Refused, Wanted, faults

COLUMNS = {"device", "asset", "codec", "metrics"}


def read(path: Path) -> list[Wanted]:
    """Every line of the file; metrics are separated by spaces. Raises Refused for a file that is no such list."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            columns = {name.strip() for name in rows.fieldnames or ()}
            if not {"device", "metrics"} <= columns <= COLUMNS:
                raise Refused(
                    f"{path.name} must have the columns device and metrics, may have asset and codec, and no others; "
                    f"it has {', '.join(sorted(columns)) or 'none'}."
                )
            found = [_wanted({(k or "").strip(): v or "" for k, v in row.items()}) for row in rows]
    except OSError as error:
        raise Refused(f"{path} cannot be read ({error.strerror}).") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused(f"{path.name} is not a CSV file in UTF-8 ({error}).") from None
    if not found:
        raise Refused(f"{path.name} lists no devices.")
    return found


def _wanted(row: dict[str, object]) -> Wanted:
    text = {name: value.strip() if isinstance(value, str) else "" for name, value in row.items()}
    metrics = tuple(text["metrics"].replace(";", " ").replace(",", " ").split())
    return Wanted(text["device"], text.get("asset") or text["device"], text.get("codec") or "senml", metrics)


def check(wanted: Sequence[Wanted]) -> list[str]:
    """What is wrong, by line of the file (the heading is line 1). Two queries."""
    assets = {asset.uid: asset for asset in Asset.objects.filter(uid__in=[item.asset for item in wanted])}
    return list(_line_faults(wanted, assets))


def _line_faults(wanted: Sequence[Wanted], assets: dict[str, Asset]) -> Iterator[str]:
    first_line: dict[str, int] = {}
    for line, item in enumerate(wanted, start=2):
        for why in faults(item, assets.get(item.asset)):
            yield f"line {line}: {why}"
        if item.uid in first_line:
            yield f"line {line}: {item.uid} stands in line {first_line[item.uid]} already"
        first_line.setdefault(item.uid, line)


def known(wanted: Sequence[Wanted]) -> dict[str, Device]:
    """Those of the list the city has already."""
    return {device.uid: device for device in Device.objects.filter(uid__in=[item.uid for item in wanted])}


def write_secrets(path: Path, issued: Sequence[Issued]) -> None:
    """device, secret; readable by its owner only. Raises Refused rather than overwrite a file."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Refused(f"{path} cannot be written ({error.strerror}); name a file that does not exist yet.") from None
    with os.fdopen(handle, "w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["device", "secret"])
        lines.writerows([item.device.uid, item.secret] for item in issued)
