# SPDX-License-Identifier: Apache-2.0
"""What docs/reference/capacity.md tells: CPU-seconds per million readings by way in, memory by devices, disk.

CPU is the road's process and all of PostgreSQL. Devices, a gateway's posting and browsers are not counted.
"""

from __future__ import annotations

import json
import time
from typing import Final

import httpx

from benchmarks.chaos.provision import TOKEN, provision
from benchmarks.ingest import cpu, peers, stored
from benchmarks.ingest.mqtt import DEVICES, Found, child, published, road, table
from benchmarks.store import engine as bench
from smartcity.devices import time_zone
from smartcity.devices.models import Asset, Device, Series
from smartcity.telemetry import upkeep
from smartcity.telemetry.buckets import UTC_DAY_MS
from smartcity.telemetry.postgres import Postgres
from smartcity.telemetry.rolling import Rolling
from smartcity.telemetry.store import Store
from tests.servers import free_port

MANY: Final = 10_000
MILLION: Final = 1e6
MQTT: Final = {1: 6_000, 10: 6_000, 50: 2_000}  # messages a second of the time asked for
COAP_DEVICES, COAP_EACH, COAP_ROUNDS_S = 100, 10, 4
KEEP_DAYS: Final = 4  # after which the day written here is packed


def measured(seconds: float) -> Found:
    with table() as engine:
        http, coap = free_port(), free_port()
        with road("--http", str(http), "--coap", str(coap)) as (port, pid):
            published(port, pid, DEVICES, 1)
            found: Found = {f"mqtt_{each}": by_mqtt(port, pid, each, seconds) for each in MQTT}
            found["http_5000"] = by_http(http, pid, seconds)
            found[f"coap_{COAP_EACH}"] = by_coap(coap, pid, seconds)
        cost = {f"cpu_s_per_million_{name}": value for name, value in found.items()}
        return cost | memory() | disk(engine)


def by_mqtt(port: int, pid: int, each: int, seconds: float) -> float:
    messages = round(MQTT[each] * seconds / DEVICES) * DEVICES
    return per_million(published(port, pid, messages, each)["counted_cpu_s"], messages * each)


def by_http(port: int, pid: int, seconds: float) -> float:
    given = peers.requests(max(2, round(20 * seconds)) * peers.AT_ONCE, round(time.time() * 1000))
    bodies = [peers.as_messages(rows) for rows in given]
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    began = spent(pid)
    with httpx.Client(timeout=60, headers=headers) as client:
        for body in bodies:
            client.post(f"http://127.0.0.1:{port}/ingest", content=body).raise_for_status()
    return per_million(spent(pid) - began, len(bodies) * peers.ROWS)


def by_coap(port: int, pid: int, seconds: float) -> float:
    rounds = max(2, round(COAP_ROUNDS_S * seconds))
    with child("benchmarks.ingest.coap", *map(str, (port, COAP_DEVICES, rounds, COAP_EACH))) as devices:
        assert devices.stdin and devices.stdout
        assert devices.stdout.readline() == "connected\n"
        began = spent(pid)
        devices.stdin.write("go\n")
        devices.stdin.flush()
        answered = json.loads(devices.stdout.readline())
    return per_million(spent(pid) - began, answered * COAP_EACH)


def memory() -> Found:
    """Of the road's process: as it stands, knowing ten thousand devices more, and with all of them connected."""
    with road() as (_, pid):
        alone = cpu.memory_mb(pid)
    for model in (Series, Device, Asset):
        model.objects.all().delete()
    provision(MANY, 0)
    with road() as (port, pid):
        known = cpu.memory_mb(pid)
        with child("benchmarks.ingest.publisher", *map(str, (port, MANY, MANY, 1, 0))) as devices:
            assert devices.stdin and devices.stdout
            assert devices.stdout.readline() == "connected\n"
            connected = cpu.memory_mb(pid)
            devices.stdin.write("go\n")
            devices.stdin.flush()
            told = json.loads(devices.stdout.readline())
            spoken = cpu.memory_mb(pid)
    assert told["acknowledged"] == MANY and not told["refused"], told
    return {
        "memory_road_mb": round(alone, 1),
        "memory_10000_devices_known_mb": round(known - alone, 1),
        "memory_10000_connected_mb": round(connected - known, 1),
        "memory_10000_have_spoken_mb": round(spoken - known, 1),
    }


def disk(engine: Postgres) -> Found:
    """A day of a thousand series, a reading a minute; bytes of tables with their keys, before and after packing."""
    store = Store(book=bench.roster().book)
    rolling = Rolling(store.engine, time_zone.city_zone())
    store.engine.run("TRUNCATE reading, rollup_15m, rollup_1h, rollup_1d")
    with store.engine.transaction():
        rolling.begin(stored.DAY_BEGINS)
    rolling.load()
    for minute in range(0, 24 * 60, stored.BATCH_MINUTES):
        rows = stored.minute_rows(stored.DAY_BEGINS + minute * stored.MINUTE_MS, stored.BATCH_MINUTES)
        store.engine.prepare(rows.at, int(rows.at[0]))
        stored.insert(store, rows)
        stored.gather(rolling, rows)
    stored.keep_up(rolling, stored.DAY_BEGINS + 26 * 3_600_000, {"quarters": 0.0, "hours_and_days": 0.0})
    total = stored.SERIES * 24 * 60
    raw = size(engine, "SELECT inhrelid FROM pg_inherits WHERE inhparent = 'reading'::regclass")
    rollups = size(engine, "SELECT unnest(ARRAY['rollup_15m', 'rollup_1h', 'rollup_1d']::regclass[])")
    done = upkeep.seal(store, stored.DAY_BEGINS + KEEP_DAYS * UTC_DAY_MS)
    assert done.readings == total, done
    packed = size(engine, "SELECT 'sealed'::regclass")
    store.close()
    return {
        "disk_raw_mb_per_million": round(raw / total, 2),
        "disk_rollups_mb_per_million": round(rollups / total, 2),
        "disk_sealed_mb_per_million": round(packed / total, 2),
        "disk_sealed_payload_mb_per_million": round(done.packed_bytes / total, 2),
    }


def size(engine: Postgres, tables: str) -> float:
    return float(engine.rows(f"SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE oid IN ({tables})")[0][0])


def spent(pid: int) -> float:
    return cpu.used_s(pid) + bench.server_cpu_s()


def per_million(cpu_s: float, readings: int) -> float:
    return round(cpu_s / readings * MILLION, 2)
