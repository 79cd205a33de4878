# SPDX-License-Identifier: Apache-2.0
"""A file, an address and a folder of recordings: each gives what is new, and what it cannot give is said."""

from __future__ import annotations

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from smartcity.forecasting import weather_source
from smartcity.forecasting.bulletin import BadBulletin
from smartcity.forecasting.weather_source import BadSource, File, Recorded, Web, source
from tests.forecasting.test_bulletin import HOUR, NOW, csv, own


class Service:
    """A weather service on a free port: `answers` are taken in turn, the last one for ever."""

    def __init__(self):
        self.answers = [(200, own())]
        self.asked: list[tuple[str, dict[str, str]]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                service.asked.append((self.path, dict(self.headers)))
                status, body = service.answers[0] if len(service.answers) == 1 else service.answers.pop(0)
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "http://127.0.0.1:9/elsewhere")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/forecast?place=here"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def service():
    made = Service()
    yield made
    made.server.shutdown()
    made.server.server_close()


def news(web, now_ms=NOW, since_ms=0):
    return [one.issued_ms for one in web.fetch(now_ms, since_ms) or ()]


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_file_is_read_again_when_it_has_changed(tmp_path):
    file = File(tmp_path / "weather.json")
    with pytest.raises(FileNotFoundError):
        file.fetch(NOW, 0)
    file.path.write_bytes(own())
    assert [one.issued_ms for one in file.fetch(NOW, 0)] == [NOW]
    assert file.fetch(NOW + HOUR, 0) == []
    file.path.write_bytes(own(issued_at="2026-11-25T09:00Z"))
    assert [one.issued_ms for one in file.fetch(NOW + HOUR, NOW)] == [NOW + HOUR]


def test_a_file_that_is_still_being_written_is_looked_at_again(tmp_path):
    file = File(tmp_path / "weather.json")
    file.path.write_bytes(own()[:50])
    for _ in range(2):
        with pytest.raises(BadBulletin, match="still being written"):
            file.fetch(NOW, 0)
    file.path.write_bytes(own())
    assert len(file.fetch(NOW, 0)) == 1


def test_after_a_start_a_known_forecast_is_no_news(tmp_path):
    (tmp_path / "weather.json").write_bytes(own())
    assert File(tmp_path / "weather.json").fetch(NOW + HOUR, NOW) == []
    table = tmp_path / "weather.csv"
    table.write_bytes(csv("2026-11-25T08:00Z,1.5", "2026-11-25T09:00Z,2.5"))
    os.utime(table, (NOW / 1000, NOW / 1000))
    assert len(File(table).fetch(NOW + 60_000, 0)) == 1 and File(table).fetch(NOW + 60_000, NOW) == []


def test_a_file_without_end_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(weather_source, "LARGEST", 10)
    (tmp_path / "weather.json").write_bytes(own())
    with pytest.raises(BadBulletin, match="larger than 10 bytes"):
        File(tmp_path / "weather.json").fetch(NOW, 0)


def test_recordings_come_when_their_time_has_come(tmp_path):
    for hour in (8, 9, 10):
        at = f"2026-11-25T{hour:02}:00Z"
        (tmp_path / f"20261125T{hour:02}00Z.json").write_bytes(own(issued_at=at, start=at))
    folder = Recorded(tmp_path)
    assert [one.issued_ms for one in folder.fetch(NOW + HOUR, NOW - HOUR)] == [NOW, NOW + HOUR]
    assert [one.issued_ms for one in folder.fetch(NOW + 2 * HOUR, NOW + HOUR)] == [NOW + 2 * HOUR]
    (tmp_path / "20261125T0930Z.json").write_bytes(b"{")
    assert len(folder.fetch(NOW + 2 * HOUR, NOW)) == 2, "one that cannot be read is passed over"
    with pytest.raises(BadBulletin, match=r"20261125T0930Z\.json: it is not complete JSON"):
        folder.fetch(NOW + 5_400_000, NOW + HOUR)
    assert folder.fetch(NOW - HOUR, 0) == [] and Recorded(tmp_path / "nowhere").fetch(NOW, 0) == []


def test_an_address_is_asked_twice_an_hour(service):
    clock = Clock()
    web = Web(service.url, clock=clock)
    assert news(web) == [NOW]
    assert web.fetch(NOW, 0) is None and len(service.asked) == 1
    clock.now += 1801
    service.answers = [(200, own(issued_at="2026-11-25T09:00Z"))]
    assert news(web, NOW + HOUR, NOW) == [NOW + HOUR]
    assert service.asked[0][0] == "/v1/forecast?place=here" and web.name == "127.0.0.1"


def test_the_same_answer_again_is_no_news(service):
    clock = Clock()
    web = Web(service.url, clock=clock)
    service.answers = [(200, own(issued_at=None))]
    assert news(web) == [NOW]
    clock.now += 1801
    assert web.fetch(NOW + HOUR, NOW) == [] and len(service.asked) == 2


def test_after_a_failure_it_is_asked_later_and_later(service):
    clock = Clock()
    web = Web(service.url, clock=clock)
    service.answers = [(503, b""), (503, b""), (200, own())]
    with pytest.raises(BadBulletin, match="answers 503"):
        web.fetch(NOW, 0)
    clock.now += 59
    assert web.fetch(NOW, 0) is None and len(service.asked) == 1
    clock.now += 2
    with pytest.raises(BadBulletin):
        web.fetch(NOW, 0)
    clock.now += 119
    assert web.fetch(NOW, 0) is None and len(service.asked) == 2
    clock.now += 2
    assert news(web) == [NOW]


@pytest.mark.parametrize(
    ("answer", "says"),
    [((302, b""), "redirects are not followed"), ((200, b"x" * 3000), "longer than 2,000 bytes"),
     ((200, own()[:30]), "still being written")],
)  # fmt: skip
def test_what_an_address_must_not_answer(service, monkeypatch, answer, says):
    monkeypatch.setattr(weather_source, "LARGEST", 2000)
    service.answers = [answer]
    with pytest.raises(BadBulletin, match=says):
        Web(service.url).fetch(NOW, 0)


def test_an_answer_that_never_comes_is_not_waited_for(service, monkeypatch):
    monkeypatch.setattr(weather_source, "TIMEOUT_S", 0.2)
    silent = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)  # listens, and nobody serves it
    with pytest.raises(TimeoutError):
        Web(f"http://127.0.0.1:{silent.server_port}/").fetch(NOW, 0)
    silent.server_close()
    with pytest.raises(ConnectionRefusedError):
        Web(f"http://127.0.0.1:{silent.server_port}/").fetch(NOW, 0)


def test_the_key_goes_where_it_is_wanted_and_is_not_shown(service):
    Web(service.url, "secret").fetch(NOW, 0)
    Web(f"{service.url}&key={{key}}", "secret").fetch(NOW, 0)
    (_, with_header), (path, with_query) = service.asked
    assert with_header["Authorization"] == "Bearer secret" and "Authorization" not in with_query
    assert path.endswith("&key=secret")
    assert with_header["Host"] == service.url.split("/")[2]
    assert "secret" not in Web(f"{service.url}&key={{key}}", "secret").name


def test_without_tls_nothing_is_asked_for_outside(monkeypatch):
    def outside(*_, **__):
        return [(2, 1, 6, "", ("93.184.215.14", 80))]

    monkeypatch.setattr("socket.getaddrinfo", outside)
    with pytest.raises(BadBulletin, match="use https"):
        Web("http://weather.example/").fetch(NOW, 0)


def test_the_setting_names_one_of_three_or_is_refused():
    assert source("") is None
    assert isinstance(source("file:/srv/weather.csv"), File) and isinstance(source("recorded:/srv/past"), Recorded)
    assert isinstance(source("https://weather.example/v1"), Web)
    for wrong in ("weather.csv", "file:/srv/weather.xml", "recorded:", "https://", "ftp://weather.example/"):
        with pytest.raises(BadSource, match="SMARTCITY_WEATHER is neither"):
            source(wrong)


def test_what_was_written_by_hand_is_what_is_read(tmp_path):
    """The example of the how-to."""
    path = tmp_path / "weather.json"
    path.write_text(json.dumps({"start": "2026-11-25T08:00Z", "temperature_c": [1.2, 0.9, 0.7]}))
    (found,) = File(path).fetch(NOW, 0)
    assert found.step_s == 3600 and len(found.values["temperature"]) == 3
