# SPDX-License-Identifier: Apache-2.0
"""Fifty readings a message in the clear and with TLS 1.3, one process behind both doors; handshakes are not counted."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from benchmarks.ingest.mqtt import DEVICES, Found, Way, beside_copy, published, road, table
from tests.servers import free_port

EACH = 50


def measured(seconds: float) -> Found:
    with tempfile.TemporaryDirectory() as folder, table() as engine:
        certificate, port_tls = str(self_made(Path(folder))), free_port()
        with road("--tls", str(port_tls), certificate) as (port, pid):
            published(port, pid, DEVICES, 1)  # the first batch makes tables and reads what was there
            ways = [Way("clear", port), Way("tls", port_tls, certificate)]
            found = beside_copy(engine, ways, pid, EACH, seconds)
    clear, tls = (float(found[f"{way.name}_{EACH}_rows_per_cpu_s"]) for way in ways)
    return found | {f"tls_{EACH}_over_clear_cpu": round(clear / tls, 3)}


def self_made(folder: Path) -> Path:
    """A certificate for localhost and its key in one file, good for a day."""
    path = folder / "gateway.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
         "-keyout", path, "-out", path, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    return path
