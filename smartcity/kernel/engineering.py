# SPDX-License-Identifier: Apache-2.0
"""What a domain knows of its engineering data: whether they may be signed, and what changed, in the trade's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Trade:
    """Of one kind of asset (room `engineering`, attribute TRADES).

    `why_not(data)` says what keeps data from being signed, a sentence each; `words(old, new)` what changed between
    two versions, or None where it cannot tell.
    """

    why_not: Callable[[Data], list[str]]
    words: Callable[[Data, Data], list[str] | None]


def differences(old: Any, new: Any, where: str = "") -> list[str]:
    """What changed in any JSON, a line each: `programme.dim was 40, is 60`."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        names = [*old, *(name for name in new if name not in old)]
        steps = [(f"{where}.{name}" if where else str(name), old.get(name), new.get(name)) for name in names]
        return [line for path, before, after in steps for line in differences(before, after, path)]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True), start=1)
        return [line for place, (a, b) in pairs for line in differences(a, b, f"{where} {place}")]
    return [] if old == new else [f"{where} was {_said(old)}, is {_said(new)}"]


def _said(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 120 else f"{text[:120]}…"
