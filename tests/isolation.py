# SPDX-License-Identifier: Apache-2.0
"""Loaded by pytest before the settings are read: every run has a data folder of its own, never the city's."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

STARTED_IN = os.getpid()
VAR = Path(tempfile.mkdtemp(prefix="smartcity-test-"))

for name in [name for name in os.environ if name.startswith("SMARTCITY_") and name != "SMARTCITY_CHROMIUM"]:
    del os.environ[name]
os.environ |= {
    "SMARTCITY_VAR": str(VAR),
    "SMARTCITY_SECRET_KEY": "of the tests, and of nothing else",
    "SMARTCITY_QUARANTINE_KEY": "b2YgdGhlIHRlc3RzLCBhbmQgb2Ygbm90aGluZyBlbHM=",
    "SMARTCITY_TIME_ZONE": "Europe/Helsinki",
    "RUST_BACKTRACE": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def pytest_unconfigure(config: pytest.Config) -> None:
    if os.getpid() == STARTED_IN:
        shutil.rmtree(VAR, ignore_errors=True)
