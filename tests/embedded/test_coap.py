# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio

import pytest
from aiocoap.numbers.codes import Code

from smartcity.processes.intake import Intake
from tests.servers import free_port
from tests.transports.coap.street import Raw


@pytest.fixture
def city(settings, tmp_path):
    def build(address):
        settings.MQTT_ADDRESS, settings.COAP_ADDRESS, settings.VAR = f"127.0.0.1:{free_port()}", address, tmp_path
        made = Intake()
        return made, made.vitals()["coap"]

    return build


async def test_without_an_address_there_is_no_coap(city):
    intake, coap = city("")
    assert intake.coap is None and coap() is None


async def test_with_an_address_coap_is_taken_there_and_counted(city):
    port = free_port()
    made, coap = city(f"127.0.0.1:{port}")
    await made.listen()
    try:
        _, raw = await asyncio.get_running_loop().create_datagram_endpoint(Raw, remote_addr=("127.0.0.1", port))
        assert (await raw.ask(b"\x40\x01\x00\x01"))[1] == int(Code.UNAUTHORIZED)
        assert coap().auth_failures == {"no OSCORE": 1}
        raw.transport.close()
    finally:
        await made.gateway.close()
        await made.coap.close()
