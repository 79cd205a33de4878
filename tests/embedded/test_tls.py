# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from smartcity.processes.intake import Intake
from smartcity.transports.mqtt.encryption import BadCertificate
from tests.servers import free_port


def certificate(folder: Path) -> Path:
    """A self-signed certificate for localhost with its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "gateway.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


@pytest.fixture
def ports(settings, tmp_path):
    plain, tls = free_port(), free_port()
    settings.MQTT_ADDRESS, settings.MQTT_TLS_ADDRESS = f"127.0.0.1:{plain}", f"127.0.0.1:{tls}"
    settings.MQTT_CERTIFICATE, settings.MQTT_KEY = str(certificate(tmp_path)), ""
    return plain, tls, settings.MQTT_CERTIFICATE


async def test_with_a_certificate_devices_may_come_over_tls(ports):
    _, tls, path = ports
    city = Intake()
    await city.listen()
    try:
        context = ssl.create_default_context(cafile=path)
        reader, writer = await asyncio.open_connection("127.0.0.1", tls, ssl=context, server_hostname="localhost")
        writer.write(bytes.fromhex("100e00044d515454050200000000016100"[:32]))  # CONNECT without a password
        assert (await asyncio.wait_for(reader.read(4), 5))[0] >> 4 == 2  # CONNACK
        writer.close()
    finally:
        await city.gateway.close()


async def test_in_the_clear_the_tls_port_answers_nothing(ports):
    _, tls, _ = ports
    city = Intake()
    await city.listen()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", tls)
        writer.write(bytes.fromhex("100d00044d5154540502000000000161"))
        answer = await asyncio.wait_for(reader.read(64), 5)
        assert not answer or answer[0] == 21  # closed, or a TLS alert; never a CONNACK
        writer.close()
    finally:
        await city.gateway.close()


@pytest.mark.parametrize(("name", "value"), [("MQTT_CERTIFICATES_ONLY", True), ("MQTT_CLIENT_CA", "/nowhere.pem")])
async def test_what_cannot_be_offered_as_it_is_set_is_said_before_anything_runs(ports, settings, name, value):
    setattr(settings, name, value)
    with pytest.raises(BadCertificate, match="SMARTCITY_MQTT_CLIENT_CA"):
        Intake()
