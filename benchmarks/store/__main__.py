# SPDX-License-Identifier: Apache-2.0
"""Messages and readings per CPU-second into SQLite and PostgreSQL, decoded, checked and committed; history in bulk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

from benchmarks.report import Report, options
from tests import servers

GOALS = {"sqlite_store_ratio": 0.70, "postgresql_store_ratio": 0.50}


def measured(engine: str, seconds: float, database_url: str = "") -> dict[str, float]:
    """One engine in a process of its own, because settings are read once."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "SMARTCITY_VAR": folder, "DATABASE_URL": database_url, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
            "SMARTCITY_SECRET_KEY": "of a benchmark", "DJANGO_SETTINGS_MODULE": "smartcity.settings",
        }  # fmt: skip
        command = [sys.executable, "-m", "benchmarks.store.engine", str(seconds)]
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {f"{engine}_{name}": value for name, value in found.items()}


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="CPU-seconds to spend on each figure (default 3)")
    parser.add_argument("--only", choices=["sqlite", "postgresql"], help="one engine alone")
    given = parser.parse_args()
    found: dict[str, float] = {}
    if given.only != "postgresql":
        found |= measured("sqlite", given.seconds)
    if given.only != "sqlite":
        with servers.postgis(durable=True) as url:
            found |= measured("postgresql", given.seconds, url)
    report = Report("store")
    for name, value in found.items():
        report.add(name, value, at_least=GOALS.get(name))
    report.finish(as_json=given.json)


if __name__ == "__main__":
    main()
