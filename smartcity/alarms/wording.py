# SPDX-License-Identifier: Apache-2.0
"""What a message outside the console says: a number and not a place, unless the city allows it (trust.md)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from smartcity.alarms import rules
from smartcity.alarms.models import Alarm
from smartcity.kernel.alarms import Severity
from smartcity.kernel.clock import clock

TEST_BODY = "This browser will be told of the alarms you chose."


@dataclass(frozen=True, slots=True)
class Message:
    """One notice in words. `simulated` stands in the title too, where nobody can miss it."""

    number: int
    title: str
    body: str
    severity: int
    simulated: bool
    url: str

    def as_push(self) -> bytes:
        """The payload the service worker reads (static/js/README.md)."""
        body: dict[str, Any] = {
            "id": self.number,
            "title": self.title,
            "body": self.body,
            "severity": self.severity,
            "simulated": self.simulated,
            "url": self.url,
            "tag": f"alarm-{self.number}",
        }
        return json.dumps(body, ensure_ascii=False).encode()


def of(alarm: Alarm | None) -> Message:
    """The message about an alarm, or the test message without one."""
    if alarm is None:
        simulated = clock.is_simulation
        title = _title(simulated, "test", settings.CITY_NAME or "Smart City")
        return Message(0, title, TEST_BODY, Severity.LOW, simulated, "/settings/notifications/")
    title = _title(alarm.simulated, Severity(alarm.severity).word, rules.domain_title(alarm.domain))
    return Message(alarm.pk, title, _body(alarm), alarm.severity, alarm.simulated, f"/alarms/{alarm.pk}/")


def _title(simulated: bool, *parts: str) -> str:
    return " · ".join(("SIMULATION", *parts) if simulated else parts)


def _body(alarm: Alarm) -> str:
    number, rule = f"Alarm {alarm.pk}", rules.explain(alarm.rule)
    if settings.PUSH_PLACES:
        return f"{number}: {alarm.text}"
    return number if rule is None else rules.said(rule, number, alarm.value or 0, alarm.unit)
