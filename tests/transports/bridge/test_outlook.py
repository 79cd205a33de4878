# SPDX-License-Identifier: Apache-2.0
"""When a command will be there, as it is told to people."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from smartcity.transports.bridge import outlook
from smartcity.transports.bridge.directory import Address
from smartcity.transports.bridge.mapping import Radio, Source


def at(text):
    return int(datetime.fromisoformat(f"2026-05-04T{text}Z").timestamp() * 1000)


def told(device_class="A", every_s=3600.0, heard="", now="03:20:00", until="08:00:00", source="chirpstack"):
    address = Address(
        "C-1", Source(format=source), "a84041ffff180001", Radio(device_class), heard_ms=at(heard) if heard else 0
    )
    return outlook.words(
        address, now_ms=at(now), until_ms=at(until), every_s=every_s,
        time_of_day=lambda ms: datetime.fromtimestamp(ms / 1000, UTC).strftime("%H:%M"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "case"),
    [
        ("at next uplink, by 04:10", {"heard": "03:09:31"}),
        ("at next uplink, by 04:10", {"heard": "03:10:00"}),
        ("at next uplink, by 04:20", {}),  # not heard yet: at most one interval from now
        ("at next uplink, overdue since 03:10", {"heard": "02:09:31"}),
        ("at next uplink", {"every_s": 0.0}),
        ("at next uplink, by 04:10, but the command ends at 03:30", {"heard": "03:09:31", "until": "03:30:00"}),
        ("at its next ping slot, by 03:23", {"device_class": "B"}),
        ("", {"device_class": "C"}),
        ("", {"source": "plain", "every_s": 0.0}),
    ],
)
def test_a_command_says_when_it_will_be_there(words, case):
    assert told(**case) == words
