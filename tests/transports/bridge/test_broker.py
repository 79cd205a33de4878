# SPDX-License-Identifier: Apache-2.0
"""A real Mosquitto: what is acknowledged to it was settled, and everything else comes again."""

from __future__ import annotations

import asyncio
import subprocess

import aiomqtt
import pytest

from smartcity.transports.bridge import refusals
from smartcity.transports.messages import QUARANTINE_FULL, QUOTA_EXCEEDED, Outcome
from tests import servers
from tests.transports.bridge.stand import bridge, say, write_mapping
from tests.transports.street import until

pytestmark = [pytest.mark.needs_mosquitto]


@pytest.fixture
def plain(tmp_path, mosquitto_port):
    """A mapping of plain topics; each test has a session of its own, which ends with it."""
    own = f'client_id = "{tmp_path.name}"\nsession_expiry_s = 5\n'
    return write_mapping(tmp_path / "bridge.toml", mosquitto_port, broker=own)


def up(number, device="L-1"):
    return f"sensors/{device}/up", b"%d" % number


def numbers(stand):
    return [int(payload) for payload in stand.payloads()]


async def test_readings_arrive_with_their_device_and_codec(plain, mosquitto_port):
    async with bridge(plain) as stand:
        await say(mosquitto_port, up(1), ("sensors/L-2/ack", b"{}"), ("elsewhere/L-3/up", b"x"))
        await until(lambda: len(stand.taken) == 2)
        await until(lambda: stand.bridge.counters.in_flight == 0)
    heard = [(m.device, m.kind, m.payload, m.transport, m.codec) for m in stand.taken]
    assert heard == [("L-1", "up", b"1", "bridge", "senml"), ("L-2", "ack", b"{}", "bridge", "senml")]
    assert stand.bridge.counters.stored == 2


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_what_was_not_settled_is_delivered_again_on_the_next_connection(tmp_path, mosquitto_port, version):
    own = f'client_id = "{tmp_path.name}"\nversion = "{version}"\n'
    path = write_mapping(tmp_path / "bridge.toml", mosquitto_port, broker=own)
    settled = {b"0", b"1"}
    async with bridge(path, verdict=lambda m: Outcome.STORED if m.payload in settled else None) as stand:
        await say(mosquitto_port, *(up(n) for n in range(5)))
        await until(lambda: len(stand.taken) == 5)
        await until(lambda: stand.bridge.counters.stored == 2)
        await asyncio.sleep(0.05)
        stand.kill()
        await until(lambda: stand.bridge.counters.connects == 2 and len(stand.taken) == 8)
        assert numbers(stand) == [0, 1, 2, 3, 4, 2, 3, 4]
        assert stand.bridge.counters.again == 3
        stand.unsettled[0].settle(Outcome.STORED)  # of the connection that is gone: harmless, and no acknowledgement
        for message in stand.unsettled[3:]:
            message.settle(Outcome.STORED)
        await asyncio.sleep(0.05)
        stand.kill()
        await until(lambda: stand.bridge.counters.connects == 3)
        await asyncio.sleep(0.1)
        assert len(stand.taken) == 8
    assert stand.bridge.counters.resumed == 2


async def test_what_came_while_we_were_away_waits_at_the_broker(plain, mosquitto_port):
    async with bridge(plain):
        pass
    await say(mosquitto_port, *(up(n) for n in range(10)))
    async with bridge(plain) as stand:
        await until(lambda: len(stand.taken) == 10)
    assert numbers(stand) == list(range(10))
    assert stand.bridge.counters.resumed == 1


async def test_acknowledgements_leave_in_the_order_of_the_messages(plain, mosquitto_port):
    async with bridge(plain, verdict=lambda m: None) as stand:
        await say(mosquitto_port, *(up(n) for n in range(3)))
        await until(lambda: len(stand.unsettled) == 3)
        stand.unsettled[2].settle(Outcome.STORED)
        stand.unsettled[1].settle(Outcome.STORED)
        await asyncio.sleep(0.05)
        stand.kill()  # before the first was settled
        await until(lambda: len(stand.taken) == 6)
    assert numbers(stand) == [0, 1, 2] * 2


async def test_a_full_inbox_stops_the_reading_and_loses_nothing(plain, mosquitto_port):
    async with bridge(plain, max_messages=10, pumped=False) as stand:
        await say(mosquitto_port, *(up(n) for n in range(200)))
        await asyncio.sleep(0.3)
        assert len(stand.inbox) == 10
        assert not stand.link.transport.is_reading()
        stand.pump = asyncio.create_task(stand.settle_all())
        await until(lambda: len(stand.taken) == 200)
        assert numbers(stand) == list(range(200))
        await until(lambda: stand.bridge.counters.in_flight == 0)
    assert stand.bridge.counters.connects == 1


async def test_receive_maximum_bounds_what_is_under_way(tmp_path, mosquitto_port):
    own = f'client_id = "{tmp_path.name}"\nreceive_max = 7\n'
    path = write_mapping(tmp_path / "bridge.toml", mosquitto_port, broker=own)
    async with bridge(path, verdict=lambda m: None) as stand:
        await say(mosquitto_port, *(up(n) for n in range(30)))
        await asyncio.sleep(0.3)
        assert len(stand.taken) == 7
        stand.verdict = lambda m: Outcome.STORED
        for message in stand.unsettled:
            message.settle(Outcome.STORED)
        await until(lambda: len(stand.taken) == 30)


async def test_what_is_refused_is_not_acknowledged_and_comes_again(plain, mosquitto_port, monkeypatch):
    monkeypatch.setattr(refusals, "FIRST_PAUSE_S", 0.2)
    monkeypatch.setattr("smartcity.transports.bridge.bridge.LOOK_EVERY_S", 0.05)
    refuses = {b"1"}

    def verdict(message):
        over = message.payload in refuses
        return Outcome.refused("too many messages", QUOTA_EXCEEDED) if over else Outcome.STORED

    async with bridge(plain, verdict=verdict) as stand:
        stand.bridge.refusals._pause_s = 0.2
        await say(mosquitto_port, *(up(n) for n in range(4)))
        await until(lambda: len(stand.taken) >= 6, within_s=5)
        assert numbers(stand)[:6] == [0, 1, 2, 3, 1, 1]
        refuses.clear()
        await until(lambda: numbers(stand)[-1] == 1 and stand.bridge.counters.stored == 4, within_s=5)
        connects = stand.bridge.counters.connects
        await asyncio.sleep(0.5)
        assert stand.bridge.counters.connects == connects
    assert stand.bridge.refusals.given_up == 0
    assert stand.bridge.counters.in_flight == 0


async def test_garbage_of_one_device_for_a_full_quarantine_does_not_keep_others_waiting(
    tmp_path, mosquitto_port, monkeypatch
):
    """More of it than the broker has under way at once."""
    monkeypatch.setattr(refusals, "PRESSED_PAUSE_S", 0.2)
    monkeypatch.setattr("smartcity.transports.bridge.bridge.LOOK_EVERY_S", 0.05)

    def verdict(message):
        return QUARANTINE_FULL if message.device == "X-9" else Outcome.STORED

    own = f'client_id = "{tmp_path.name}"\nreceive_max = 20\n'
    path = write_mapping(tmp_path / "bridge.toml", mosquitto_port, broker=own)
    async with bridge(path, verdict=verdict) as stand:
        await say(mosquitto_port, *(up(n, "X-9") for n in range(60)), *(up(n) for n in range(5)))
        await until(lambda: [m.device for m in stand.taken].count("L-1") == 5, within_s=10)
        await until(lambda: stand.bridge.refusals.given_up == 60, within_s=10)
    assert stand.bridge.refusals.stubborn == ["X-9"]
    assert stand.bridge.counters.refused["quarantine is full"] >= 60


async def test_an_old_value_the_broker_keeps_is_no_reading(tmp_path, mosquitto_port):
    topic = f"{tmp_path.name}/L-1/up"
    source = f'format = "plain"\ntopic = "{tmp_path.name}/{{device}}/up"\n'
    await say(mosquitto_port, (topic, b"old"), retain=True)
    for version in ("5", "3.1.1"):
        own = f'client_id = "{tmp_path.name}-{version[0]}"\nversion = "{version}"\n'
        path = write_mapping(tmp_path / "bridge.toml", mosquitto_port, source, own)
        async with bridge(path) as stand:
            await say(mosquitto_port, (topic, b"new"), retain=True)
            await until(lambda: stand.taken)
            assert stand.payloads() == [b"new"]
            assert stand.bridge.counters.ignored.total() == (0 if version == "5" else 1)  # 3.1.1 cannot ask for none
        await say(mosquitto_port, (topic, b"old"), retain=True)


async def test_two_bridges_share_the_messages_and_each_is_taken_once(tmp_path, mosquitto_port):
    stands = []
    own = 'share = "city"\n'
    path = write_mapping(tmp_path / "bridge.toml", mosquitto_port, broker=own)
    async with bridge(path, client_id="share-1") as one, bridge(path, client_id="share-2") as two:
        stands = [one, two]
        await say(mosquitto_port, *(up(n) for n in range(200)))
        await until(lambda: len(one.taken) + len(two.taken) == 200)
        await asyncio.sleep(0.1)
    assert sorted(numbers(one) + numbers(two)) == list(range(200))
    assert all(len(stand.taken) > 50 for stand in stands)


async def test_a_broker_that_restarts_with_its_data_loses_nothing_and_one_without_is_told_of(tmp_path, caplog):
    for keeps in (True, False):
        with servers.broker(f"persistence {str(keeps).lower()}") as (port, server):
            path = write_mapping(tmp_path / "bridge.toml", port, broker=f'client_id = "restart-{keeps}"\n')
            async with bridge(path, verdict=lambda m: None) as stand:
                await say(port, *(up(n) for n in range(5)))
                await until(lambda: len(stand.taken) == 5)
                await asyncio.to_thread(server.stop)
                await until(lambda: not stand.bridge.is_connected)
                stand.verdict = lambda m: Outcome.STORED
                await asyncio.to_thread(server.start)
                await until(lambda: stand.bridge.is_connected, within_s=10)
                if keeps:
                    await until(lambda: len(stand.taken) == 10)
                    assert numbers(stand) == [0, 1, 2, 3, 4] * 2
                await say(port, up(7))
                await until(lambda: numbers(stand)[-1] == 7)
            assert stand.bridge.counters.sessions_lost == (0 if keeps else 1)
    assert "the broker had forgotten us" in caplog.text


async def test_another_client_with_our_id_is_named(plain, caplog):
    async with bridge(plain):
        async with bridge(plain):
            await until(lambda: "another client uses our id" in caplog.text)


async def test_what_the_broker_dropped_is_shown(tmp_path):
    topic = "$SYS/broker/publish/messages/dropped"
    with servers.broker("persistence false", "sys_interval 1", "max_queued_messages 10") as (port, _):
        path = write_mapping(tmp_path / "bridge.toml", port, broker=f'drops_topic = "{topic}"\nreceive_max = 5\n')
        async with bridge(path, verdict=lambda m: None) as stand:
            await say(port, *(up(n) for n in range(50)))
            await until(lambda: (stand.bridge.counters.broker_dropped or 0) > 0, within_s=10)
            assert stand.bridge.counters.broker_dropped == 50 - 5 - 10  # under way and queued


@pytest.fixture
def guarded(tmp_path):
    """A certificate for 127.0.0.1 with its key, and a password file, where a server may read them."""
    pem, key, passwords = tmp_path / "broker.pem", tmp_path / "broker.key", tmp_path / "passwords"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", pem],
        check=True, capture_output=True,
    )  # fmt: skip
    subprocess.run(["mosquitto_passwd", "-c", "-b", passwords, "city", "s3cret"], check=True, capture_output=True)
    above = [folder for folder in (tmp_path, *tmp_path.parents) if "pytest-" in str(folder)]
    for path in (*above, pem, key, passwords):
        path.chmod(0o755)
    return pem, key, passwords


async def test_a_password_from_a_file_and_tls_with_a_ca_of_ones_own(tmp_path, guarded, caplog):
    pem, key, passwords = guarded
    tls = servers.free_port()
    lines = [f"listener {tls} 127.0.0.1", f"certfile {pem}", f"keyfile {key}", f"password_file {passwords}"]
    own = f'tls = true\nca_file = "{pem}"\nusername = "city"\npassword_file = "{tmp_path}/secret"\n'
    with servers.mosquitto(*lines):
        mapped = write_mapping(tmp_path / "bridge.toml", tls, broker=own)
        (tmp_path / "secret").write_text("wrong\n")
        with pytest.raises(TimeoutError):
            async with bridge(mapped, within_s=2.0):
                pass
        assert "the broker refused us: not authorized" in caplog.text
        (tmp_path / "secret").write_text("s3cret\n")
        async with bridge(mapped) as stand:
            await say(
                tls, up(1), username="city", password="s3cret", tls_params=aiomqtt.TLSParameters(ca_certs=str(pem))
            )
            await until(lambda: stand.taken)
        (tmp_path / "bridge.toml").write_text(mapped.read_text().replace(f'ca_file = "{pem}"', ""))
        with pytest.raises(TimeoutError):
            async with bridge(mapped, within_s=2.0):
                pass
        assert "CERTIFICATE_VERIFY_FAILED" in caplog.text


async def test_a_broker_that_is_not_there_is_said(tmp_path, caplog):
    path = write_mapping(tmp_path / "bridge.toml", servers.free_port())
    with pytest.raises(TimeoutError):
        async with bridge(path, within_s=2.0):
            pass
    assert "no line to the broker" in caplog.text
