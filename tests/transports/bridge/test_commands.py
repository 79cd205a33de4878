# SPDX-License-Identifier: Apache-2.0
"""Commands out through a real Mosquitto, with the network server or the device at its other end."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest

from smartcity.transports.letters import Posted
from smartcity.transports.messages import Outcome
from tests import servers
from tests.transports.bridge.samples import APPLICATION, EUI, ChirpStackSays, ThingsStackSays
from tests.transports.bridge.stand import CITY_MS, PLAIN, bridge, colleague, hear, letter, say, write_mapping
from tests.transports.street import until

pytestmark = [pytest.mark.needs_mosquitto]
CHIRPSTACK = f'format = "chirpstack"\napplication = "{APPLICATION}"\nradio = {{ f_port = 2, every_s = 3600 }}\n'
THINGS = 'format = "things_stack"\nradio = { class = "C", f_port = 2, confirmed = false }\n'
LISTED = f'[devices]\n{EUI} = "L-1"\n'
COMMANDS = "application/+/device/+/command/down"


def mapped(tmp_path, port, source, rest="", broker=""):
    own = f'client_id = "{tmp_path.name}"\nsession_expiry_s = 5\n{broker}'
    return write_mapping(tmp_path / "bridge.toml", port, source, own, rest)


def answers(stand):
    """(device, id, state, reason) of the answers that came in."""
    bodies = [(m.device, json.loads(m.payload)) for m in stand.taken if m.kind == "ack"]
    return [(device, body["id"], body["state"], body["reason"]) for device, body in bodies]


def _said(stand, times):
    return len(answers(stand)) == times


async def test_there_and_back_through_chirpstack(tmp_path, mosquitto_port):
    path, key = mapped(tmp_path, mosquitto_port, CHIRPSTACK, LISTED), str(uuid4())
    async with bridge(path) as stand, colleague(mosquitto_port, [COMMANDS]) as network:
        assert stand.bridge.post([letter("L-1", key)]) == [Posted.SENT]
        topic, asked = await hear(network)
        assert topic == f"application/{APPLICATION}/device/{EUI}/command/down"
        assert (json.loads(asked)["id"], json.loads(asked)["data"]) == (key, "Mg==")
        await network.publish(ChirpStackSays.topic("txack"), ChirpStackSays.txack(key), qos=1)
        await network.publish(ChirpStackSays.topic("ack"), ChirpStackSays.ack(item=key), qos=1)
        await until(lambda: len(answers(stand)) == 2)
    said = [(state, reason) for _, _, state, reason in answers(stand)]
    assert said[0][0] == "transmitted" and said[0][1].startswith("transmitted by gateway 0016c001f153a14c at 05:12 UTC")
    assert said[1] == ("applied", "confirmed by the device over the radio")
    assert {(device, one) for device, one, _, _ in answers(stand)} == {("L-1", key)}
    assert stand.bridge.counters.in_flight == 0


async def test_a_device_can_be_reached_once_it_was_heard_and_says_when_it_listens(tmp_path, mosquitto_port):
    path = mapped(tmp_path, mosquitto_port, CHIRPSTACK + 'uid = "lora-{device}"\n')
    uid = f"lora-{EUI}"
    async with bridge(path) as stand:
        assert not stand.bridge.reaches(uid)
        heard = datetime.fromtimestamp(CITY_MS / 1000 - 600, UTC).isoformat()
        await say(mosquitto_port, (ChirpStackSays.topic("up"), ChirpStackSays.up(b"\x01", at=heard)))
        await until(lambda: stand.bridge.reaches(uid))
        until_ms = CITY_MS + 7_200_000
        assert stand.bridge.outlook(uid, CITY_MS, until_ms) == "at next uplink, by 06:04 UTC"
        assert stand.bridge.outlook("nobody", CITY_MS, until_ms) == ""
        assert stand.bridge.post([letter("nobody", str(uuid4()))]) == [Posted.AWAY]


async def test_there_and_back_through_the_things_stack(tmp_path, mosquitto_port):
    path = mapped(tmp_path, mosquitto_port, THINGS, '[devices]\nlamp-17 = "L-1"\n')
    async with bridge(path) as stand, colleague(mosquitto_port, ["v3/+/devices/+/down/push"]) as network:
        await network.publish(ThingsStackSays.topic("up"), ThingsStackSays.up(b"\x01"), qos=0)
        await until(lambda: stand.bridge.reaches("L-1"))
        key = str(uuid4())
        assert stand.bridge.outlook("L-1", CITY_MS, CITY_MS + 1) == ""  # it always listens
        stand.bridge.post([letter("L-1", key)])
        topic, asked = await hear(network)
        assert topic == "v3/city@tenant/devices/lamp-17/down/push"
        assert json.loads(asked)["downlinks"][0]["correlation_ids"] == [f"smartcity:{key}"]
        for event, what in (("down/queued", "downlink_queued"), ("down/sent", "downlink_sent")):
            await network.publish(ThingsStackSays.topic(event), ThingsStackSays.about(what, key), qos=1)
        await until(lambda: len(answers(stand)) == 1)
        await network.publish(ThingsStackSays.topic("up"), ThingsStackSays.up(b"\x02"), qos=1)
        await until(lambda: len(answers(stand)) == 2)
    assert [(one, state) for _, one, state, _ in answers(stand)] == [(key, "transmitted"), (key, "unconfirmed")]
    assert [m.kind for m in stand.taken] == ["up", "ack", "up", "ack"]  # the reading before what it is to prove
    assert stand.bridge.counters.without_qos == 1


async def test_a_device_of_its_own_hears_its_commands_and_answers_itself(tmp_path, mosquitto_port):
    path = mapped(tmp_path, mosquitto_port, PLAIN)
    async with bridge(path) as stand, colleague(mosquitto_port, ["sensors/L-1/cmd"]) as device:
        await device.publish("sensors/L-1/up", b"[]", qos=1)
        await until(lambda: stand.bridge.reaches("L-1"))
        for _ in range(2):  # asked again, it is said again: the device knows the id
            assert stand.bridge.post([letter("L-1", "7", b'{"id":"7"}')]) == [Posted.SENT]
            assert await hear(device) == ("sensors/L-1/cmd", b'{"id":"7"}')
        await device.publish("sensors/L-1/ack", b'{"id":"7","state":"applied","reason":""}', qos=1)
        await until(lambda: answers(stand) == [("L-1", "7", "applied", "")])


async def test_where_no_network_server_listens_that_is_said_and_the_command_may_go_again(tmp_path, mosquitto_port):
    path, key = mapped(tmp_path, mosquitto_port, CHIRPSTACK, LISTED), str(uuid4())
    async with bridge(path) as stand:
        for times in (1, 2):
            stand.bridge.post([letter("L-1", key)])
            await until(partial(_said, stand, times))
    topic = f"application/{APPLICATION}/device/{EUI}/command/down"
    words = f"nobody at the broker listens to {topic}: is the network server connected?"
    assert answers(stand) == [("L-1", key, "transmitted", words)] * 2
    assert (stand.bridge.counters.nobody_listened, len(stand.bridge.downlinks)) == (2, 0)


async def test_without_a_line_nothing_is_taken_and_what_was_under_way_goes_out_on_the_next(tmp_path):
    with servers.broker("persistence true") as (port, server):
        path = mapped(tmp_path, port, CHIRPSTACK, LISTED)
        async with bridge(path) as stand:
            await asyncio.to_thread(server.stop)
            await until(lambda: not stand.bridge.is_connected)
            key = str(uuid4())
            assert not stand.bridge.reaches("L-1")
            assert stand.bridge.post([letter("L-1", key)]) == [Posted.AWAY]
            await asyncio.to_thread(server.start)
            await until(lambda: stand.bridge.is_connected, within_s=10)
            async with colleague(port, [COMMANDS]) as network:
                assert stand.bridge.post([letter("L-1", key)]) == [Posted.SENT]
                assert json.loads((await hear(network))[1])["id"] == key


async def test_an_old_client_at_an_old_broker_sends_commands_too(tmp_path, mosquitto_port):
    path, key = mapped(tmp_path, mosquitto_port, CHIRPSTACK, LISTED, 'version = "3.1.1"\n'), str(uuid4())
    async with bridge(path) as stand, colleague(mosquitto_port, [COMMANDS]) as network:
        stand.bridge.post([letter("L-1", key)])
        assert json.loads((await hear(network))[1])["id"] == key
        await until(lambda: stand.bridge.health()["unsent"] == 0)


async def test_what_cannot_be_read_and_what_is_not_about_us_is_acknowledged_and_counted(tmp_path, mosquitto_port):
    path = mapped(tmp_path, mosquitto_port, CHIRPSTACK, LISTED)
    async with bridge(path) as stand:
        await say(
            mosquitto_port,
            (ChirpStackSays.topic("ack"), b"{"),
            (ChirpStackSays.topic("log"), ChirpStackSays.log(level="INFO")),
            (ChirpStackSays.topic("ack"), ChirpStackSays.ack(item="somebody-elses")),
        )
        await until(lambda: stand.bridge.counters.received == 3 and stand.bridge.counters.in_flight == 0)
    assert stand.bridge.counters.ignored == {"an event that cannot be read": 1, "not about a command": 1}
    assert answers(stand)[0][1] == "somebody-elses"  # control knows no such command


async def test_a_quota_on_answers_has_them_delivered_again(tmp_path, mosquitto_port):
    path, key = mapped(tmp_path, mosquitto_port, CHIRPSTACK, LISTED), str(uuid4())
    async with bridge(path, verdict=lambda m: Outcome.refused("not storable")) as stand:
        await say(mosquitto_port, (ChirpStackSays.topic("ack"), ChirpStackSays.ack(item=key)))
        await until(lambda: stand.taken)
        stand.verdict = lambda m: Outcome.STORED
        stand.kill()
        await until(lambda: stand.bridge.counters.stored == 1)
    assert [state for _, _, state, _ in answers(stand)] == ["applied", "applied"]


class Network(BaseHTTPRequestHandler):
    """A ChirpStack that takes multicast, or does not."""

    heard: list = []
    status = 200

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.append((self.path, self.headers["Grpc-Metadata-Authorization"], json.loads(body)))
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(b'{"fCnt":7}')

    def log_message(self, *args):
        pass


@pytest.fixture
def network_server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Own", (Network,), {"heard": []}))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("status", [200, 403, 0])
async def test_a_group_behind_chirpstack_is_told_over_its_interface(tmp_path, mosquitto_port, network_server, status):
    server: Any = network_server
    server.RequestHandlerClass.status = status or 200
    port = server.server_port if status else servers.free_port()
    (tmp_path / "token").write_text("t0ken\n")
    source = CHIRPSTACK + f'api_url = "http://127.0.0.1:{port}"\napi_token_file = "{tmp_path}/token"\n'
    group = '[[group]]\ndevice = "mc-west"\nmembers = ["L-1"]\ngateways = ["roof"]\n'
    key = str(uuid4())
    async with bridge(mapped(tmp_path, mosquitto_port, source, LISTED + group)) as stand:
        assert stand.bridge.post([letter("L-1", key)]) == [Posted.SENT]
        await until(lambda: len(answers(stand)) == 1)
        is_taken = status == 200
        assert (len(stand.bridge.downlinks) == 1) is is_taken  # else it may go again
    ((_, _, state, reason),) = answers(stand)
    assert state == "transmitted"
    words = {200: "given to the network at ", 403: f"the network's interface at http://127.0.0.1:{port} answers 403: "}
    assert reason.startswith(
        words.get(status, f"the network's interface at http://127.0.0.1:{port} cannot be reached: ")
    )
    for path, authorization, body in server.RequestHandlerClass.heard:
        assert (path, authorization) == ("/api/multicast-groups/mc-west/queue", "Bearer t0ken")
        assert body["queueItem"]["data"] == "Mg=="
