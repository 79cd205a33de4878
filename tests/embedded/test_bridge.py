# SPDX-License-Identifier: Apache-2.0
"""The city process at somebody else's broker: it listens, says how it is, and names a mistake in the mapping."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.city import city
from tests.embedded.test_runcity import refused
from tests.migrated import give_tables
from tests.transports.bridge.stand import say, write_mapping

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow, pytest.mark.needs_mosquitto]


def test_a_city_with_a_mapping_file_takes_in_what_the_broker_delivers(tmp_path, mosquitto_port):
    path = write_mapping(tmp_path / "bridge.toml", mosquitto_port, broker='client_id = "embedded"\n')
    give_tables(tmp_path)
    with city("--empty", var=tmp_path, SMARTCITY_BRIDGE=str(path)) as running:
        with running.sign_in("admin", running.password) as browser:
            bridge = browser.get("/api/v1/health").json()["bridge"]
            assert (bridge["connected"], bridge["stored"]) == (True, 0)
            asyncio.run(say(mosquitto_port, ("sensors/X-1/up", b"[]")))
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline and not bridge["stored"]:
                time.sleep(0.1)
                bridge = browser.get("/api/v1/health").json()["bridge"]
            assert (bridge["stored"], bridge["in_flight"]) == (1, 0)
            (row,) = browser.get("/api/v1/quarantine/").json()["results"]
            assert (row["device"], row["kind"]) == ("X-1", "unknown device")
            assert "smartcity_bridge_stored 1.0" in browser.get("/api/v1/metrics").text
        assert running.stop(within_s=20) == 0


def test_a_mistake_in_the_mapping_file_is_one_sentence(tmp_path):
    path = write_mapping(tmp_path / "bridge.toml", 1883, broker='clientid = "x"\n')
    give_tables(tmp_path)
    code, said = refused("--empty", var=tmp_path, SMARTCITY_BRIDGE=str(path))
    assert code == 1
    assert said[-1] == f"CommandError: {path}: Object contains unknown field `clientid` - at `$.broker`"
