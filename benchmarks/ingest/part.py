# SPDX-License-Identifier: Apache-2.0
"""A row of the table in a process of its own, because settings are read once: NAME SECONDS DATA; answers with JSON."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Final

import django

ROWS: Final = {
    "http": "web", "mqtt": "mqtt", "tls": "tls", "peers": "peers", "whole": "whole", "delays": "delays", "live": "live",
    "outage": "outage", "capacity": "capacity",
}  # fmt: skip


def measured(name: str, seconds: float, data: Path) -> dict[str, float | str]:
    if name == "sealed":
        from benchmarks.ingest import packed

        return packed.sizes(data) | packed.year_back(data, seconds)
    if name in ("sqlite", "postgresql"):
        from benchmarks.ingest import stored

        of_sqlite = stored.sqlite_insert(seconds) if name == "sqlite" else {}
        return stored.named(name, stored.rollup_cost() | of_sqlite)
    found: dict[str, float | str] = import_module(f"benchmarks.ingest.{ROWS[name]}").measured(seconds)
    return found


if __name__ == "__main__":
    django.setup()
    print(json.dumps(measured(sys.argv[1], float(sys.argv[2]), Path(sys.argv[3]))))
