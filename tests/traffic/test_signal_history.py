# SPDX-License-Identifier: Apache-2.0
"""The demo's past of a signal controller comes out of its codec as it went in."""

from __future__ import annotations

import numpy as np

from smartcity.kernel.street import StreetDevice
from smartcity.twin.history import Sender
from traffic.event_codec import SIGNAL


def test_a_controllers_past_is_written_in_the_house_format_its_codec_reads():
    device = StreetDevice(
        uid="K-1", secret="", domain="traffic", kind="intersection", codec=SIGNAL.name, lon=24.9, lat=60.2
    )
    times = 1_800_000_000_000 + 900_000 * np.arange(3)
    values = np.array([[600.0, 610.0, 620.5]])
    assert Sender.of(device).there_and_back(["traffic.flow"], times, values).tolist() == values.tolist()
