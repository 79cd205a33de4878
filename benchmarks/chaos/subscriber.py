# SPDX-License-Identifier: Apache-2.0
"""A program to compare with: what usually stands behind a broker. It subscribes with paho as paho comes, which
acknowledges a message by itself once the callback has returned; the callback queues it, and a thread writes rows in
batches into a SQLite file, as durably as SQLite can.

    python -m benchmarks.chaos.subscriber PORT FILE clean|session

`clean` is paho's default, `session` has the broker collect messages while it is away.
"""

from __future__ import annotations

import json
import queue
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.chaos.history import MANY, METRICS, Rows
from benchmarks.chaos.provision import FIRST

AT_MOST: Final = 1_000
WITHIN_S: Final = 0.1
SQL: Final = (
    "CREATE TABLE IF NOT EXISTS reading (series INT, at INT, value REAL, PRIMARY KEY (series, at)) WITHOUT ROWID"
)
Message = tuple[str, bytes]


def open_file(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=30)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(SQL)
    return connection


def stored(file: Path) -> int:
    """How many rows are committed."""
    with closing(open_file(file)) as connection:
        return int(connection.execute("SELECT count(*) FROM reading").fetchone()[0])


def holdings(file: Path) -> Rows:
    """All that is committed."""
    with closing(open_file(file)) as connection:
        table = np.array(connection.execute("SELECT series, at, value FROM reading").fetchall(), np.float64)
    table = table.reshape(-1, 3)
    return Rows(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2])


def rows(topic: str, said: bytes) -> Iterator[tuple[int, int, float]]:
    """Series as the devices' log counts them, instant, value."""
    device = int(topic.split("/")[1].removeprefix(FIRST))
    for record in json.loads(said):
        yield device * MANY + METRICS.index(record["n"]), round(record["t"] * 1000), record["v"]


def write(file: Path, waiting: queue.Queue[Message]) -> None:
    """Until the process ends: a batch is what came within a tenth of a second, or a thousand messages."""
    connection = open_file(file)
    while True:
        batch, until = [waiting.get()], time.monotonic() + WITHIN_S
        while len(batch) < AT_MOST and (left := until - time.monotonic()) > 0:
            try:
                batch.append(waiting.get(timeout=left))
            except queue.Empty:
                break
        with connection:
            found = [row for message in batch for row in rows(*message)]
            connection.executemany("INSERT INTO reading VALUES (?, ?, ?) ON CONFLICT DO NOTHING", found)


def main() -> None:
    port, file, is_clean = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "clean"
    waiting: queue.Queue[Message] = queue.Queue()
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="platform", clean_session=is_clean)
    client.on_connect = lambda client, *rest: client.subscribe("sc/+/up", qos=1)
    client.on_subscribe = lambda *rest: print("ready", flush=True)
    client.on_message = lambda client, own, message: waiting.put((message.topic, bytes(message.payload)))
    threading.Thread(target=write, args=(file, waiting), daemon=True).start()
    client.connect("127.0.0.1", port)
    client.loop_forever(retry_first_connection=True)


if __name__ == "__main__":
    main()
