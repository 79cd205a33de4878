# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a timing sheet: one plain sentence each, and how much it weighs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Errors and what is only estimated keep a sheet from being signed; a warning does not."""

    ERROR = "error"
    ESTIMATED = "estimated"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """`part` is where to look: groups, stages, intergreens, plans, calendar, movements, corridor, ring_barrier."""

    severity: Severity
    part: str
    subject: str
    sentence: str


def error(part: str, subject: object, sentence: str) -> Finding:
    return Finding(Severity.ERROR, part, str(subject), sentence)


def warning(part: str, subject: object, sentence: str) -> Finding:
    return Finding(Severity.WARNING, part, str(subject), sentence)


def number(value: float) -> str:
    """5.0 → '5', 7.25 → '7.2'."""
    return f"{value:.1f}".removesuffix(".0")
