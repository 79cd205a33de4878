# SPDX-License-Identifier: Apache-2.0
"""mqtt5, guarded against its own panics.

Its codes only look like IntEnum: they have no order, no hash and no falsehood, so compare them with `is`, or their
`value`.
"""

from __future__ import annotations

import mqtt5

from smartcity.transports.mqtt.framing import BadPacket
from smartcity.transports.mqtt.packet_text import check_text

Incoming = mqtt5.Packet


def read_packet(frame: bytes) -> Incoming:
    """Decode one whole MQTT 5 packet, or raise BadPacket; never anything else.

    mqtt5 0.8.0 panics on invalid UTF-8 (pyo3's PanicException, a BaseException), so texts are checked before, and what
    might be left is caught here by name.
    """
    check_text(frame)
    try:
        packet, used = mqtt5.read(memoryview(frame))
    except (ValueError, IndexError, OverflowError) as error:
        raise BadPacket("malformed packet") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise BadPacket("malformed packet") from None
    if used != len(frame):
        raise BadPacket("malformed packet")
    return packet
