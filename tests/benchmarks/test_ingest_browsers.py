# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import time

from benchmarks.ingest.browsers import Browser, Tally, hello

OPEN = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


class Line:
    def __init__(self):
        self.written: list[bytes] = []
        self.is_closed = False

    def write(self, data):
        self.written.append(data)

    def close(self):
        self.is_closed = True


def frame(body: bytes, opcode: int = 1) -> bytes:
    size = len(body)
    if size < 126:
        length = bytes([size])
    else:
        length = b"\x7e" + size.to_bytes(2, "big") if size < 65_536 else b"\x7f" + size.to_bytes(8, "big")
    return bytes([0x80 | opcode]) + length + body


def browser(reads=False):
    made = Browser(Tally(), hello(80, "cookie"), reads)
    made.connection_made(Line())
    return made


async def test_frames_of_every_length_are_counted_however_they_are_cut():
    bodies = [b"x" * size for size in (0, 125, 126, 65_535, 65_536)]
    stream = OPEN + b"".join(frame(body) for body in bodies)
    for step in (1_000, 65_000, len(stream)):
        one = browser()
        for n in range(0, len(stream), step):
            one.data_received(stream[n : n + step])
        assert one.first.done()
        assert (one.tally.frames, one.tally.size) == (len(bodies), sum(map(len, bodies)))


async def test_a_ping_is_answered_and_is_no_frame():
    one = browser()
    one.data_received(OPEN + frame(b"abcd", 9))
    assert one.transport.written[-1] == bytes([0x8A, 0x84, 0, 0, 0, 0]) + b"abcd"
    assert one.tally.frames == 0


async def test_the_age_of_each_value_of_a_delta_is_noted_and_none_of_a_snapshot():
    one, at = browser(reads=True), time.time_ns() // 1_000_000 - 200
    said = b'{"t":"%s","seq":1,"values":[[1,40.0,%d,0],[2,41.0,%d,0]]}'
    for kind in (b"snapshot", b"snapshot", b"delta"):
        one.data_received((b"" if one.first.done() else OPEN) + frame(said % (kind, at, at)))
    assert one.tally.told()["snapshots"] == 1
    assert len(one.tally.ages_ms) == 2
    assert all(200 <= age < 5_000 for age in one.tally.ages_ms)


async def test_who_is_refused_says_so():
    one = browser()
    one.data_received(b"HTTP/1.1 403 Forbidden\r\n\r\n")
    assert one.transport.is_closed
    one.connection_lost(None)
    assert "403" in str(one.first.exception())
