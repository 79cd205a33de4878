# SPDX-License-Identifier: Apache-2.0
"""An alarm by e-mail: what happened, what it means, what to do."""

from __future__ import annotations

from smtplib import SMTPException, SMTPRecipientsRefused

from django.core.mail import EmailMessage

from smartcity.alarms import rules
from smartcity.alarms.models import Alarm
from smartcity.alarms.outcome import Again, Gone, Outcome, Sent
from smartcity.alarms.wording import Message


def send(address: str, message: Message, alarm: Alarm | None) -> Outcome:
    """Through the configured backend; by default a file in SMARTCITY_VAR/mail."""
    letter = EmailMessage(f"{message.title} · alarm {message.number}", _text(message, alarm), to=[address])
    try:
        letter.send()
    except SMTPRecipientsRefused:
        return Gone("the mail server does not know this address")
    except (SMTPException, OSError) as error:
        return Again(f"the mail server fails: {type(error).__name__}")
    return Sent()


def _text(message: Message, alarm: Alarm | None) -> str:
    rule = rules.explain(alarm.rule) if alarm else None
    lines = [message.body, ""]
    if message.simulated:
        lines = ["SIMULATION: this did not happen in the real city.", "", *lines]
    if rule is not None:
        lines += [f"Cause: {rule.cause}", f"Consequence: {rule.consequence}", f"What to do: {rule.response}"]
        lines += [f"Within: {_within(rule.respond_within_s)}", *([f"Call: {rule.call}"] if rule.call else [])]
    return "\n".join([*lines, "", f"In the console: {message.url}"])


def _within(seconds: float) -> str:
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 2 * 86400 else f"{seconds / 86400:.0f} days"
