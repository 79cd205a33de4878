# SPDX-License-Identifier: Apache-2.0
"""What stands at the ends of the dispatcher in tests: a line that remembers, a pool that waits for nothing, and the one
command on its way."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from smartcity.control.models import Command, Transition
from smartcity.kernel.control import Expectation
from smartcity.transports.letters import Posted

POWER = Expectation("lighting.power_w", 20, 30, 120)


class InlinePool:
    """The pool's work done at once, in the test's own transaction."""

    async def run(self, work, *args, **kwargs):
        return work(*args, **kwargs)

    async def close(self):
        pass


@dataclass
class Wire:
    """A line to devices that are `there`; what they were told, decoded."""

    there: set = field(default_factory=set)
    sent: list = field(default_factory=list)
    outlooks: dict = field(default_factory=dict)
    refusals: dict = field(default_factory=dict)

    def post(self, letters):
        return [self._post(letter) for letter in letters]

    def _post(self, letter):
        if letter.device not in self.there:
            return Posted.AWAY
        if letter.device in self.refusals:
            return Posted.refused(self.refusals[letter.device])
        self.sent.append((letter.device, json.loads(letter.payload)))
        return Posted.SENT

    def outlook(self, device, now_ms, until_ms):
        return self.outlooks.get(device, "")

    def reaches(self, device):
        return device in self.there

    def ids(self, device="L-1"):
        return [told["id"] for uid, told in self.sent if uid == device]

    def told(self, device="L-1"):
        return [(told["point"], told["value"]) for uid, told in self.sent if uid == device]


def done(coroutine):
    """Run a coroutine that never has to wait, without an event loop, so that it shares the test's transaction."""
    try:
        coroutine.send(None)
    except StopIteration as finished:
        return finished.value
    raise AssertionError("it had to wait")


def only():
    return Command.objects.get()


def steps(command):
    return list(Transition.objects.filter(command=command).order_by("pk").values_list("state", flat=True))
