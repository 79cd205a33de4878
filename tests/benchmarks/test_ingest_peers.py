# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections import defaultdict

from benchmarks.chaos.provision import uid
from benchmarks.ingest import peers
from benchmarks.ingest.__main__ import ROWS
from benchmarks.ingest.mqtt import DEVICES
from benchmarks.ingest.part import ROWS as PARTS

NOW = 1_700_000_000_000


def test_every_series_is_told_in_the_order_of_its_time_and_no_instant_twice():
    times = defaultdict(list)
    for request in peers.requests(3 * peers.AT_ONCE, NOW):
        assert len(request) == peers.ROWS
        for device, metric, _, at in request:
            times[device, metric].append(at)
    assert len(times) == 2 * DEVICES
    for told in times.values():
        assert told == sorted(set(told)) and told[0] == NOW


def test_all_contestants_are_told_the_same_rows():
    (rows, *_) = peers.requests(peers.AT_ONCE, NOW)
    packs = json.loads(peers.as_messages(rows))["messages"]
    ours = [(pack["device"], one["n"], one["v"], round(one["t"] * 1000)) for pack in packs for one in pack["payload"]]
    assert ours == [(uid(device), metric, value, at) for device, metric, value, at in rows]
    first = rows[0]
    assert (
        peers.as_lines(rows).splitlines()[0].decode() == f"lighting_power_w,device={ours[0][0]} value={first[2]} {NOW}"
    )
    assert len(peers.as_lines(rows).splitlines()) == len(rows)


def test_every_row_that_can_be_asked_for_is_measured_by_a_module():
    assert set(ROWS) - {"sealed", "stored"} == set(PARTS)
