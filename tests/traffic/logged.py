# SPDX-License-Identifier: Apache-2.0
"""An hour in the event log of the test's cabinet, with vehicles that come at random and one button that is pressed."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.traffic.build import STAGES, cabinet
from traffic import event_codec
from traffic.street.recorder import BATCH_S, Recorder, Second
from traffic.street.stages import Stage

PER_S = (0.12, 0.08, 0.05)  # vehicles of each approach


def log(approaches: list[str], from_ms: int, seconds: int = 3600) -> tuple[dict[str, Any], list[bytes]]:
    """What the controller announces, and its batches. Three approaches, in the order of the cabinet's stages."""
    begin, draw = from_ms // 1000, Random(7)
    names = dict(zip(("A-1", "A-2", "A-3"), approaches, strict=True))
    stages = tuple(
        Stage(s.number, s.name, s.green, {names[uid]: share for uid, share in s.serves.items()}) for s in STAGES
    )
    box, recorder = cabinet(begin, stages=stages), Recorder(approaches, approaches[:1])
    queues, batches = dict.fromkeys(approaches, 0), []
    for second in range(begin, begin + seconds):
        state, seen = box.tick(second, ()), {}
        for uid, rate in zip(approaches, PER_S, strict=True):
            green = box.green_s(second) >= 2 and uid in stages[box.running - 1].serves
            came, left = int(draw.random() < rate), int(green and queues[uid] > 0 and second % 2 == 0)
            queues[uid] += came - left
            pressed = uid == approaches[0] and second % 300 < 20
            seen[uid] = Second(at_line=queues[uid] > 0, came=came, left=left, pressed=pressed)
        recorder.second(second, box, state, seen)
        if second % BATCH_S == 0 and (batch := recorder.batch(second * 1000)):
            batches.append(batch)
    configuration = recorder.configuration(dict.fromkeys(approaches, 2.0), dict.fromkeys(approaches, 1))
    return {"type": "signal controller", "events": configuration}, batches


def stored(batches: list[bytes], device: int) -> list[Any]:
    """The same as the store takes them, the controller's clock 250 ms ahead."""
    from smartcity.telemetry.batch import Logged

    heads = [event_codec.head_of(batch) for batch in batches]
    return [
        Logged(
            device=device, number=head.number, first_at=head.first_ms, last_at=head.last_ms, events=head.events,
            received_at=head.sent_ms - 250, clock_error_ms=250, codec="traffic_signal", packed=batch,
        )
        for head, batch in zip(heads, batches, strict=True)
    ]  # fmt: skip
