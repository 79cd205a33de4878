# SPDX-License-Identifier: Apache-2.0
"""Every alarm there is: what the domains declare, and the platform's own about devices it has lost its hold on."""

from __future__ import annotations

from functools import partial
from typing import Final

from smartcity import declared, domains
from smartcity.kernel.alarms import AlarmRule, Severity

# The platform's own: judged by other parts, which report what stands; no metric is watched.
_own: Final = partial(
    AlarmRule,
    metric="",
    kinds=(),
    is_bad=lambda value, _: value > 0,
    is_good=lambda value, _: value <= 0,
    on_delay_s=0,
    off_delay_s=0,
)
SILENT: Final = _own(
    name="device.silent",
    severity=Severity.LOW,
    text="{name}: no message for {value:.0f} {unit}",
    cause="The device has no power or no network, or is broken. It missed two of its expected messages.",
    consequence="What happens there is not known, and commands do not arrive; the device runs its local programme.",
    response="Check power and network of the place; if neighbours report, plan a visit to the device.",
    respond_within_s=8 * 3600,
    call="Field service",
)
MANY_SILENT: Final = _own(
    name="zone.silent",
    severity=Severity.LOW,
    text="{name}: {value:.0f} {unit} fell silent together",
    cause="Something they share has failed: power, network, a gateway or a supplier's service.",
    consequence="The part of the city is not seen and takes no commands; its devices run their local programmes.",
    response="Look for the common cause first: feeder, gateway, mobile network. One call is enough.",
    respond_within_s=1800,
    call="Field service",
)
UNPROVEN: Final = _own(
    name="command.unproven",
    severity=Severity.LOW,
    text="{name}: the effect of a command was not measured",
    cause="The device confirmed the command, but what it then measured is not what the command should have done. "
    "Actuator, sensor or the signed data about them are wrong, or a hand at the device has changed it.",
    consequence="What was asked does not happen there. A loop's command has been taken back: the device was told to "
    "return to its local programme. An operator's own command stands until its end.",
    response="Compare expected and measured; look at the device's own fault messages; tag it if somebody is at work "
    "there; else plan a visit. The alarm ends with the next command there whose effect is measured.",
    respond_within_s=8 * 3600,
    call="Field service",
)
MANY_UNPROVEN: Final = _own(
    name="zone.unproven",
    severity=Severity.LOW,
    text="{name}: {value:.0f} {unit} did not show what they were told to do",
    cause="Something they share: no supply, a gateway that answers for its devices, a wrong table of ratings, a wrong "
    "model of the effect, or readings that come too late.",
    consequence="The loop steers nothing here. Its devices were told to return to their local programmes.",
    response="Compare expected and measured on a few of them; set the loop to advise in this zone until the cause is "
    "known. The alarm ends as commands there are confirmed by measurement again.",
    respond_within_s=1800,
    call="Field service",
)
BRAKED: Final = _own(
    name="loop.braked",
    severity=Severity.HIGH,
    text="{name}: a loop asked for more than its budget and was stopped",
    cause="The loop wishes something else again and again: a picture that jumps, a forecast gone astray, or a fault "
    "of ours in deciding.",
    consequence="Nothing is automatic there: the devices were told to return to their local programmes. What was "
    "beyond the budget was never sent.",
    response="Look at the loop's last commands and their reasons. Grant advise first and watch what it proposes; "
    "grant automatic when that is calm. The alarm ends when a person has set the mode in every zone again.",
    respond_within_s=1800,
    call="System administrator",
)
CLOCK_OFF: Final = _own(
    name="device.clock",
    severity=Severity.LOW,
    text="{name}: clock off by {value:.0f} {unit}",
    cause="The device has lost the time: no time server or GNSS in reach, an empty backup battery, a wrong time zone "
    "in its settings. If it is behind, it may also send only what it measured long ago.",
    consequence="What it measures is filed under the wrong time. More than two minutes ahead no controller decides on "
    "it, more than ten minutes ahead it is set aside in quarantine.",
    response="Check the device's time source and settings. The alarm ends when its messages are dated right again.",
    respond_within_s=8 * 3600,
    call="Field service",
)
MANY_CLOCKS_OFF: Final = _own(
    name="zone.clocks",
    severity=Severity.LOW,
    text="{name}: the clocks of {value:.0f} {unit} are off",
    cause="They share a time source that is wrong or out of reach, or a gateway that holds their messages back; if all "
    "of the city's are off, it is the city's own server.",
    consequence="What they measure is filed under the wrong time, or not believed at all.",
    response="Compare the server's clock with the time of day first, then look for the common time source or gateway.",
    respond_within_s=1800,
    call="System administrator",
)
PLATFORM: Final = (SILENT, MANY_SILENT, UNPROVEN, MANY_UNPROVEN, BRAKED, CLOCK_OFF, MANY_CLOCKS_OFF)


def explain(rule_name: str) -> AlarmRule | None:
    """The rule with its cause, consequence, response and whom to call; None for one that is no longer declared."""
    every = (*PLATFORM, *declared.alarm_rules(), *(one.rule for one in declared.watched()))
    return next((rule for rule in every if rule.name == rule_name), None)


def of_kind(kind: str, domain: str) -> list[AlarmRule]:
    return [r for r in declared.alarm_rules() if r.metric.startswith(f"{domain}.") and (not r.kinds or kind in r.kinds)]


def lost_severity(kind: str, domain: str, *, many: bool = False) -> Severity:
    """Of a device that no longer speaks or does as told: one step below its worst alarm, or as it when many are."""
    worst = min((rule.severity for rule in of_kind(kind, domain)), default=Severity.LOW)
    if many:
        return Severity(max(Severity.HIGH, min(worst, Severity.MEDIUM)))
    return Severity(min(worst + 1, Severity.LOW))


def said(rule: AlarmRule, name: str, value: float, unit: str) -> str:
    """The rule's sentence about one asset; a broken template of a domain still names the asset."""
    try:
        return rule.text.format(name=name, value=value, unit=unit)[:300]
    except (KeyError, IndexError, ValueError):
        return f"{name}: {rule.name}"[:300]


def unit_of(rule: AlarmRule) -> str:
    metric = declared.metrics().get(rule.metric)
    return metric.unit if metric and metric.unit != "1" else ""


def domain_title(label: str) -> str:
    return next((c.title or c.label.title() for c in domains.installed() if c.label == label), label.title())
