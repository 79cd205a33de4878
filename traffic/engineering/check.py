# SPDX-License-Identifier: Apache-2.0
"""Everything that is wrong with a timing sheet, the worst first."""

from __future__ import annotations

from collections.abc import Iterator

from traffic.engineering import check_groups, check_plans, ring_barrier
from traffic.engineering.findings import Finding, Severity
from traffic.engineering.sheet import Index, Sheet

PARTS = {  # what an import may have had to assume, and what to do about it
    "approaches": "The approaches, their headings and speeds are read off the map: compare them with the site plan.",
    "movements": "Which way each lane leads is not known to the cabinet or is read off the map: check the markings.",
    "groups": "Minimum green, yellow and all-red are assumed values: enter those of the cabinet.",
    "stages": "The stages are those of a simulator's network: compare them with the signal plan.",
    "conflicts": "Which groups conflict is worked out, not surveyed: compare with the conflict matrix of the cabinet.",
    "intergreens": "The intergreens are yellow plus all-red, not worked out from clearing and entering distances.",
    "crossings": "Width, walk and clearance of the crossings are assumed: measure them.",
    "plans": "The plans are those of a simulator: enter those of the cabinet.",
    "detectors": "Where the detectors lie is assumed: compare them with the loop plan.",
}
ORDER = {severity: rank for rank, severity in enumerate(Severity)}


def findings(sheet: Sheet) -> list[Finding]:
    """Pure; errors first, then what is only estimated, then warnings."""
    index = Index(sheet)
    found = [*check_groups.check(index), *check_plans.check(index), *ring_barrier.check(index), *_estimated(sheet)]
    return sorted(found, key=lambda finding: ORDER[finding.severity])


def may_be_signed(found: list[Finding]) -> bool:
    return all(finding.severity is Severity.WARNING for finding in found)


def _estimated(sheet: Sheet) -> Iterator[Finding]:
    for part in sheet.estimated:
        sentence = PARTS.get(part, f"The {part} are estimated: confirm them.")
        yield Finding(Severity.ESTIMATED, part, part, sentence)
