# SPDX-License-Identifier: Apache-2.0
"""The whole city as a process of its own: how it starts, goes on, ends, and what it says when it cannot."""

from __future__ import annotations

import os
import re
import signal
import socket
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from smartcity import firstrun
from tests.city import ROOT, alive, city, descendants, start
from tests.migrated import give_tables
from tests.servers import free_port

METRIC = re.compile(r"smartcity_[a-z_]+")

pytestmark = pytest.mark.timeout(300)


def shown_by_the_dashboard() -> set[str]:
    """Names of the metrics in what is meant for Grafana and Prometheus."""
    folder = ROOT / "deploy" / "monitoring"
    return {name for path in folder.iterdir() for name in METRIC.findall(path.read_text())}


def refused(*options: str, var: Path, **environment: str) -> tuple[int, list[str]]:
    """Exit code and what was said by a city that must not start."""
    started = start(*options, var=var, ports=None, **environment)
    try:
        code = started.process.wait(60)
    finally:
        started.stop()
    return code, [line for line in started.said().splitlines() if line.strip()]


APART = {"smartcity_bus_stands", "smartcity_bus_not_believed_total", "smartcity_values_in_stands"}
"""Of processes apart, where tests/processes looks for them."""


@pytest.mark.slow
def test_an_empty_city_starts_answers_ends_whole_and_goes_on(tmp_path):
    with city("--empty", var=tmp_path) as first:
        assert first.get("/clock")[0] == 200
        assert first.get("/sign-in/")[0] == 200
        password = first.password
        assert len(password) > 20
        offspring = descendants(first.process.pid)
        assert first.stop(signal.SIGINT, within_s=20) == 0
        assert not alive(offspring)
    with city("--empty", var=tmp_path) as second:
        assert "password" not in second.said()
        with second.sign_in("admin", password) as browser:
            assert browser.get("/").status_code == 200
            assert not shown_by_the_dashboard() - APART - set(METRIC.findall(browser.get("/api/v1/metrics").text))
        assert (second.get("/alive")[0], second.get("/ready")[0]) == (200, 200)
        assert second.stop(signal.SIGTERM, within_s=20) == 0
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()} == {0o600}


def test_a_port_in_use_is_one_sentence_that_says_what_to_do(tmp_path):
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = str(squatter.getsockname()[1])
        code, said = refused("--empty", "--port", port, var=tmp_path)
        assert code != 0 and len(said) == 1
        assert port in said[0] and "--port" in said[0]
        code, said = refused("--empty", var=tmp_path, SMARTCITY_MQTT=f"127.0.0.1:{port}")
        assert code != 0 and len(said) == 1
        assert port in said[0] and "SMARTCITY_MQTT" in said[0]


def test_a_broken_database_is_one_sentence_and_stays_as_it_is(tmp_path):
    broken = tmp_path / "city.sqlite3"
    broken.write_bytes(os.urandom(8192))
    before = broken.read_bytes()
    code, said = refused("--empty", var=tmp_path)
    assert code != 0 and len(said) == 1, said
    assert "database cannot be used" in said[0] and "restore a backup" in said[0]
    assert broken.read_bytes() == before


def test_a_database_server_out_of_reach_is_one_sentence(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = probe.getsockname()[1]
    code, said = refused("--empty", var=tmp_path, DATABASE_URL=f"postgres://city:x@127.0.0.1:{nobody}/city")
    assert code != 0 and len(said) == 1, said
    assert "DATABASE_URL" in said[0]


def test_a_map_that_is_none_is_one_sentence(tmp_path):
    (tmp_path / "town.osm.pbf").write_bytes(b"no map")
    give_tables(tmp_path)
    code, said = refused("--no-twin", "--city", str(tmp_path / "town.osm.pbf"), var=tmp_path)
    assert code != 0
    assert "town.osm.pbf" in said[-1] and "Traceback" not in "\n".join(said)


def test_a_first_start_broken_off_is_one_sentence(monkeypatch, settings, capsys):
    def broken_off(*_, **__):
        raise KeyboardInterrupt

    settings.MQTT_ADDRESS = f"127.0.0.1:{free_port()}"
    monkeypatch.setattr(firstrun, "write_secrets", lambda _: False)
    monkeypatch.setattr(firstrun, "prepare", broken_off)
    with pytest.raises(SystemExit) as end:
        call_command("runcity", "--port", str(free_port()))
    assert end.value.code == 130
    assert capsys.readouterr().out == "Stopped before the city was ready. Starting again makes what is missing.\n"


@pytest.mark.parametrize("speed", ["0", "61", "fast"])
def test_a_speed_out_of_range_is_refused(speed):
    with pytest.raises(CommandError, match="--speed"):
        call_command("runcity", "--speed", speed)
