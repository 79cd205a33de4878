# SPDX-License-Identifier: Apache-2.0
"""A row of the table in a process of its own, because settings are read once: NAME SECONDS DATA; answers with JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import django


def measured(name: str, seconds: float, data: Path) -> dict[str, float | str]:
    if name == "sealed":
        from benchmarks.ingest import packed

        return packed.sizes(data) | packed.year_back(data, seconds)
    if name == "http":
        from benchmarks.ingest import web

        return web.measured(seconds)
    if name == "mqtt":
        from benchmarks.ingest import mqtt

        return mqtt.measured(seconds)
    from benchmarks.ingest import stored

    if name == "sqlite":
        return stored.named(name, stored.rollup_cost() | stored.sqlite_insert(seconds))
    if name == "postgresql":
        return stored.named(name, stored.rollup_cost())
    raise ValueError(name)


if __name__ == "__main__":
    django.setup()
    print(json.dumps(measured(sys.argv[1], float(sys.argv[2]), Path(sys.argv[3]))))
