# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
import sys

from smartcity.transports.mqtt.limits import Limits
from smartcity.transports.mqtt.silence import Silence


def silence() -> Silence:
    return Silence(100.0, Limits(connect_timeout_s=10, packet_timeout_s=30))


def test_connect_must_come_in_time():
    assert silence().deadline == 110


def test_the_keep_alive_runs_from_the_last_whole_packet():
    watch = silence()
    watch.agree(60)
    watch.heard_packet(200)
    watch.heard_part(285)
    assert watch.deadline == 290


def test_without_a_keep_alive_only_a_packet_begun_must_be_finished():
    watch = silence()
    watch.agree(0)
    assert watch.deadline == float("inf")
    watch.heard_part(200)
    watch.heard_part(210)
    assert watch.deadline == 230
    watch.heard_packet(220)
    assert watch.deadline == float("inf")


def test_serving_raises_the_limit_of_open_files():
    script = (
        "import resource\n"
        "from smartcity.transports.mqtt.gateway import raise_file_limit\n"
        "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))\n"
        "assert raise_file_limit() > 256\n"
        "assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
