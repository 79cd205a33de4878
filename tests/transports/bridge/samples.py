# SPDX-License-Identifier: Apache-2.0
"""Events as ChirpStack v4 and The Things Stack v3 document them, written for these tests; ids are made up."""

from __future__ import annotations

import base64
import json
from typing import Any

APPLICATION = "52f14cd4-c6f1-4fbd-8f87-4025e1d49242"
EUI = "a84041ffff180001"
GATEWAY = "0016c001f153a14c"
COMMAND = "3b1d5f0e-6a0b-4e9b-9f6e-0d2a5c7b8e11"
AT, AT_MS = "2026-05-04T05:12:31.482+00:00", 1_777_871_551_482


def _event(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def _lora(spreading: int, frequency: int) -> dict[str, Any]:
    lora = {"bandwidth": 125_000, "spreadingFactor": spreading, "codeRate": "CR_4_5"}
    return {"frequency": frequency, "modulation": {"lora": lora}}


DEVICE_INFO = {
    "tenantId": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242",
    "tenantName": "City",
    "applicationId": APPLICATION,
    "applicationName": "lamps",
    "deviceProfileId": "14855bf7-d10d-4aee-b618-ebfcb64dc7ad",
    "deviceProfileName": "node",
    "deviceName": "lamp 17",
    "devEui": EUI,
    "deviceClassEnabled": "CLASS_A",
    "tags": {"pole": "17"},
}


class ChirpStackSays:
    """Topic and payload of each event."""

    @staticmethod
    def topic(event: str, eui: str = EUI, application: str = APPLICATION) -> str:
        return f"application/{application}/device/{eui}/event/{event}"

    @staticmethod
    def up(frame: bytes, *, at: str = AT, f_port: int = 2, spreading: int = 9, **more: Any) -> bytes:
        fields: dict[str, Any] = {
            "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
            "time": at,
            "deviceInfo": DEVICE_INFO,
            "devAddr": "00189440",
            "adr": True,
            "dr": 12 - spreading,
            "fCnt": 1203,
            "fPort": f_port,
            "confirmed": False,
            "data": base64.b64encode(frame).decode(),
            "rxInfo": [
                {"gatewayId": "0016c001f1000000", "uplinkId": 4217, "rssi": -118, "snr": -7.2, "crcStatus": "CRC_OK"},
                {"gatewayId": GATEWAY, "uplinkId": 7895, "rssi": -97, "snr": 8.5, "crcStatus": "CRC_OK"},
            ],
            "txInfo": _lora(spreading, 868_100_000),
            "regionConfigId": "eu868",
        }
        return _event(**fields | more)

    @staticmethod
    def ack(acknowledged: bool = True, item: str = COMMAND) -> bytes:
        return _event(
            deduplicationId="c9dbe358-2578-4fb7-b295-66b44edc45a6", time=AT, deviceInfo=DEVICE_INFO,
            queueItemId=item, acknowledged=acknowledged, fCntDown=29,
        )  # fmt: skip

    @staticmethod
    def txack(item: str = COMMAND, spreading: int = 9, frequency: int = 869_525_000) -> bytes:
        power = {"power": 14, "timing": {"delay": {"delay": "1s"}}}
        return _event(
            downlinkId=3_441_227_051, time=AT, deviceInfo=DEVICE_INFO, queueItemId=item, fCntDown=29,
            gatewayId=GATEWAY, txInfo=_lora(spreading, frequency) | power,
        )  # fmt: skip

    @staticmethod
    def log(item: str = COMMAND, code: str = "DOWNLINK_PAYLOAD_SIZE", level: str = "ERROR") -> bytes:
        context = {"queue_item_id": item, "item_size": "120", "max_payload_size": "51"}
        description = "Device queue-item discarded because it exceeds the max. payload size"
        return _event(
            time=AT, deviceInfo=DEVICE_INFO, level=level, code=code, description=description, context=context
        )  # fmt: skip


class ThingsStackSays:
    """Topic and payload of each event."""

    @staticmethod
    def topic(event: str, device: str = "lamp-17", application: str = "city@tenant") -> str:
        return f"v3/{application}/devices/{device}/{event}"

    @staticmethod
    def ids(device: str = "lamp-17") -> dict[str, Any]:
        return {
            "device_id": device,
            "application_ids": {"application_id": "city"},
            "dev_eui": "70B3D57ED0050001",
            "join_eui": "0000000000000000",
            "dev_addr": "260B8E11",
        }

    @classmethod
    def up(cls, frame: bytes, *, at: str = "2026-05-04T05:12:31.482123456Z", f_port: int = 2) -> bytes:
        message = {
            "session_key_id": "AXBSH1Pk6Z0G166/5SRBcA==",
            "f_port": f_port,
            "f_cnt": 418,
            "frm_payload": base64.b64encode(frame).decode(),
            "rx_metadata": [
                {"gateway_ids": {"gateway_id": "roof", "eui": "0016C001F1000000"}, "rssi": -118, "snr": -7.2},
                {"gateway_ids": {"gateway_id": "tower", "eui": "0016C001F153A14C"}, "rssi": -97, "snr": 8.5},
            ],
            "settings": {
                "data_rate": {"lora": {"bandwidth": 125_000, "spreading_factor": 9, "coding_rate": "4/5"}},
                "frequency": "868100000",
                "timestamp": 2_040_934_975,
            },
            "received_at": at,
            "consumed_airtime": "0.205824s",
        }
        return _event(
            end_device_ids=cls.ids(), correlation_ids=["gs:uplink:01D2CT"], received_at=at, uplink_message=message
        )

    @classmethod
    def about(cls, what: str, item: str = COMMAND) -> bytes:
        """`what`: downlink_ack, downlink_nack, downlink_sent or downlink_queued."""
        ours = [f"smartcity:{item}", "as:downlink:01D7HYP6YMR93065JQ2M5SCQ95"]
        downlink = {
            "session_key_id": "AWnj0318qrtJ7kbudd8Vmw==", "f_port": 2, "f_cnt": 11, "frm_payload": "Mg==",
            "confirmed": True, "priority": "NORMAL", "correlation_ids": ours,
        }  # fmt: skip
        return _event(
            end_device_ids=cls.ids(), correlation_ids=["as:up:01D7", *ours], received_at=AT, **{what: downlink}
        )

    @classmethod
    def failed(cls, item: str = COMMAND) -> bytes:
        error = {"namespace": "pkg/networkserver", "name": "no_dl", "message_format": "no downlink path available"}
        downlink = {"f_port": 2, "frm_payload": "Mg==", "correlation_ids": [f"smartcity:{item}"]}
        return _event(
            end_device_ids=cls.ids(), received_at=AT, downlink_failed={"downlink": downlink, "error": error}
        )  # fmt: skip
