# SPDX-License-Identifier: Apache-2.0
"""What processes say to each other, and how an item of each topic looks."""

from __future__ import annotations

from typing import Final

PRESENCE: Final = "presence"
"""From an ingester: ["here", uid, client id, since (wall ms)], ["gone", uid], ["count", how many are here],
["all"] before it names everybody anew."""
ROLL_CALL: Final = "roll_call"
"""To an ingester: its name. It names everybody anew."""
LETTERS: Final = "letters"
"""To an ingester: [its name, epoch, posted at (wall ms), device, id, point, payload (base64), expires in s]."""
ANSWERS: Final = "answers"
"""From an ingester: [device, id, state, reason, at (ms)]."""
CLOCKS: Final = "clocks"
"""From an ingester, every half minute: ["all"], then [number of a device whose clock is off, by how many seconds]."""
LOOPS: Final = "loops"
"""From the process that leads: the state of a loop as control.loops.LoopState has it."""
PROCESSES: Final = "processes"
"""From every process, every two seconds: how it is (processes.peers.Told)."""

BEAT_S: Final = 2.0
CLOCKS_S: Final = 30.0
LOST_AFTER_S: Final = 7.0
"""Whoever is silent for so long is taken for dead or paused."""
