# SPDX-License-Identifier: Apache-2.0
"""Devices that come with a certificate instead of a password: over real TLS, by the real registry."""

from __future__ import annotations

import asyncio
import queue
import ssl
import stat
from datetime import timedelta
from pathlib import Path

import mqtt5
import paho.mqtt.client as paho
import pytest
from asgiref.sync import sync_to_async
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from django.core.management import CommandError, call_command
from django.utils import timezone
from mqtt5 import ConnAckReasonCode as Code
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from smartcity.api.audit import Actor
from smartcity.api.models import AuditEntry
from smartcity.devices import pki, provisioning
from smartcity.devices.models import Device, DeviceCertificate
from smartcity.ingest import registry as registries
from smartcity.ingest.registry import Registry
from smartcity.transports.inbox import BoundedInbox
from smartcity.transports.mqtt import encryption
from smartcity.transports.mqtt.gateway import Gateway
from tests.ingest.conftest import NOW, SECRETS
from tests.transports.street import RawDevice, until

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)]
DAY = timedelta(days=1)
REFUSED = Code.BAD_USER_NAME_OR_PASSWORD


@pytest.fixture
def var(settings, tmp_path, lamps):
    settings.VAR = tmp_path / "var"
    settings.VAR.mkdir()
    call_command("citypki", "init")
    return settings.VAR


def authority(var):
    certificate, key = (var / "secrets" / f"device_ca.{end}" for end in ("pem", "key"))
    return pki.load_authority(certificate.read_bytes(), key.read_bytes())


def put(folder: Path, name, certificate, key):
    path = folder / f"{name}.pem"
    path.write_bytes(certificate + pki.pem_of(key))
    return path


def made(folder, uid, by, *, life=DAY, begins=None, name="made"):
    """A certificate as whoever has this authority's key could make one."""
    key = pki.new_key()
    return put(folder, name, pki.sign(by, uid, key.public_key(), begins or timezone.now(), life).pem, key)


def issued(var, uid="L-1", *options):
    """What the command hands over for a device, key and certificate in one file."""
    call_command("citypki", "issue", uid, "--out", str(var), *options)
    row = DeviceCertificate.objects.filter(uid=uid).latest("pk")
    certificate, key = (var / f"{uid}-{row.serial[:8]}{end}" for end in (".pem", ".key"))
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    path = var / f"{row.serial}.both"
    path.write_bytes(certificate.read_bytes() + key.read_bytes())
    return path


@pytest.fixture
def door(var, monkeypatch):
    """A gateway with TLS that knows the devices; `door()` opens it."""
    key = pki.new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    own = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(timezone.now() - DAY).not_valid_after(timezone.now() + DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = put(var, "gateway", own.public_bytes(Encoding.PEM), key)
    monkeypatch.setattr(registries, "EVERY_S", 0.05)
    return Door(path, var / "secrets/device_ca.pem")


class Door:
    def __init__(self, path, ca):
        self.path, self.ca, self.port = path, ca, 0

    async def __aenter__(self):
        self.registry = Registry()
        await self.registry.load()
        self.gateway = Gateway(BoundedInbox(), self.registry, city_ms=lambda: NOW)
        self.registry.on_revoked = self.gateway.disconnect
        self.task = asyncio.create_task(self.registry.run())
        self.port = await self.listen()
        return self

    async def listen(self, **more):
        context = encryption.server_context(str(self.path), client_ca=str(self.ca), **more)
        return await self.gateway.serve(port=0, ssl=context)

    async def __aexit__(self, *error):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.gateway.close()

    def context(self, certificate=None):
        context = ssl.create_default_context(cafile=self.path)
        if certificate is not None:
            context.load_cert_chain(certificate)
        return context

    def device(self, certificate=None, port=0, **connect):
        return TlsDevice(port or self.port, self.context(certificate), **connect)


class TlsDevice(RawDevice):
    def __init__(self, port, context, **connect):
        super().__init__(port, "L-1", "", **{"username": None, "password": None} | connect)
        self.context = context

    async def dial(self):
        self.reader, self.writer = await asyncio.open_connection(
            "localhost", self.port, ssl=self.context, server_hostname="localhost"
        )
        return self

    async def comes_in(self):
        """The answer to its CONNECT; None where TLS itself ends it."""
        try:
            return (await self.arrive()).reason_code
        except (OSError, AssertionError):
            return None


in_thread = sync_to_async(issued)


async def test_a_certificate_of_the_citys_own_needs_no_password(door, var):
    path = await in_thread(var)
    async with door:
        device = door.device(path)
        assert await device.comes_in() is Code.SUCCESS
        assert set(door.gateway.connected) == {"L-1"}
        device.send(mqtt5.PublishPacket("sc/L-2/up", b"[]", qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=1))
        assert (await device.hear()).reason_code.name == "NOT_AUTHORIZED"


@pytest.mark.parametrize("version", [MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311])
async def test_paho_comes_in_with_a_certificate_and_no_user_name(door, var, version):
    path = await in_thread(var)
    async with door:
        heard: queue.Queue[str] = queue.Queue()
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id="x", protocol=version)
        client.tls_set_context(door.context(path))
        client.on_connect = lambda c, u, flags, code, more: heard.put(str(code))
        await asyncio.to_thread(client.connect, "localhost", door.port)
        client.loop_start()
        assert await asyncio.to_thread(heard.get, True, 5) == "Success"
        await asyncio.to_thread(client.disconnect)
        await asyncio.to_thread(client.loop_stop)


async def test_passwords_work_on_the_same_listener(door):
    async with door:
        right = door.device(username="L-1", password=SECRETS["L-1"].encode())
        wrong = door.device(username="L-1", password=SECRETS["L-2"].encode())
        assert await right.comes_in() is Code.SUCCESS
        assert await wrong.comes_in() is REFUSED


async def test_a_user_name_beside_a_certificate_must_be_its_name(door, var):
    path = await in_thread(var)
    async with door:
        assert await door.device(path, username="L-1").comes_in() is Code.SUCCESS
        other = door.device(path, username="L-2", password=SECRETS["L-2"].encode())
        assert await other.comes_in() is REFUSED
        assert door.gateway.counters.auth_failures == {"certificate of another name": 1}


async def test_certificates_of_others_and_expired_ones_do_not_get_through_tls(door, var):
    foreign = pki.new_authority("Smart City devices", timezone.now(), DAY)
    old = made(var, "L-1", authority(var), begins=timezone.now() - 3 * DAY, name="old")
    async with door:
        assert await door.device(made(var, "L-1", foreign)).comes_in() is None
        assert await door.device(old).comes_in() is None
        assert await door.device(door.path).comes_in() is None
        assert not door.gateway.connected


async def test_names_nobody_knows_and_retired_devices_stay_out(door, var):
    async with door:
        for uid, why in (("X-1", "unknown device"), ("L-9", "device retired"), ("L-1\0", "unknown device")):
            assert await door.device(made(var, uid, authority(var))).comes_in() is REFUSED
            assert door.gateway.counters.auth_failures[why] > 0


async def test_revoking_ends_the_session_within_five_seconds_and_the_renewed_one_goes_on(door, var):
    first = await in_thread(var)
    second = await in_thread(var, "L-1", "--renew")
    async with door:
        device = door.device(first)
        assert await device.comes_in() is Code.SUCCESS
        await sync_to_async(call_command)("citypki", "revoke", "L-1", "--but-newest", "--reason", "renewed")
        goodbye = await device.hear(5)
        assert goodbye.reason_str == "certificate revoked"
        assert await door.device(first).comes_in() is REFUSED
        assert await door.device(second).comes_in() is Code.SUCCESS
    seen = await sync_to_async(lambda: list(AuditEntry.objects.order_by("pk").values_list("action", "subject")))()
    assert seen[-3:] == [
        ("device certificate issued", "L-1"), ("device certificate issued", "L-1"),
        ("device certificate revoked", "L-1"),
    ]  # fmt: skip


async def test_taking_a_devices_secret_takes_its_certificates_too(door, var):
    path = await in_thread(var)
    device = await Device.objects.aget(uid="L-1")
    async with door:
        assert await door.device(path).comes_in() is Code.SUCCESS
        await sync_to_async(provisioning.revoke)(device, Actor("anna"), "stolen")
        await until(lambda: not door.gateway.connected)
        assert await door.device(path).comes_in() is REFUSED


async def test_a_session_ends_with_its_certificate(door, var):
    path = made(var, "L-1", authority(var), life=timedelta(seconds=2))
    async with door:
        device = door.device(path)
        assert await device.comes_in() is Code.SUCCESS
        assert (await device.hear(5)).reason_str == "certificate expired"


async def test_where_certificates_are_demanded_a_password_is_not_enough(door, var):
    path = await in_thread(var)
    async with door:
        port = await door.listen(certificates_only=True)
        with_password = door.device(port=port, username="L-1", password=SECRETS["L-1"].encode())
        assert await with_password.comes_in() is None
        assert await door.device(path, port=port).comes_in() is Code.SUCCESS


def test_the_authoritys_key_is_the_owners_alone_and_never_written_over(var):
    key = var / "secrets/device_ca.key"
    before = key.read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    with pytest.raises(CommandError, match="already"):
        call_command("citypki", "init")
    assert key.read_bytes() == before


def test_a_second_certificate_is_asked_for_by_its_name(var):
    issued(var)
    with pytest.raises(CommandError, match="--renew"):
        issued(var)
    with pytest.raises(CommandError, match="retired"):
        issued(var, "L-9")


def test_files_that_cannot_be_written_leave_no_certificate(var):
    with pytest.raises(CommandError, match="No such file"):
        call_command("citypki", "issue", "L-1", "--out", str(var / "nowhere"))
    assert not DeviceCertificate.objects.exists()


def test_a_devices_own_key_is_signed_and_never_seen(var, capsys):
    key = pki.new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "whatever")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    (var / "L-1.csr").write_bytes(request.public_bytes(Encoding.PEM))
    call_command("citypki", "issue", "L-1", "--request", str(var / "L-1.csr"), "--out", str(var))
    (path,) = var.glob("L-1-*")
    found = x509.load_pem_x509_certificate(path.read_bytes())
    assert found.public_key() == key.public_key()
    assert found.subject.rfc4514_string() == "CN=L-1"
    with pytest.raises(CommandError, match="no sound signing request"):
        call_command("citypki", "issue", "L-2", "--request", str(path), "--out", str(var))


def test_the_list_says_until_when(var, capsys):
    issued(var, "L-1", "--days", "20")
    issued(var, "L-2")
    call_command("citypki", "revoke", "L-2", "--reason", "lost")
    capsys.readouterr()
    call_command("citypki", "list")
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("renew it")
    assert "revoked" in second
