# SPDX-License-Identifier: Apache-2.0
"""Topics with named levels: `sensors/{device}/up` is subscribed to as `sensors/+/up` and says which device spoke."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

NAMED = re.compile(r"\{([a-z_]+)\}")


class BadPattern(ValueError):
    """The message says what is wrong, in words fit for whoever wrote the pattern."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """`levels` are literal text, `+`, or the name of what stands there in braces."""

    levels: tuple[str, ...]
    names: Mapping[int, str]

    @property
    def filter(self) -> str:
        return "/".join("+" if place in self.names else level for place, level in enumerate(self.levels))

    def match(self, topic: str) -> dict[str, str] | None:
        """What stands at the named levels; None when it is another topic."""
        given = topic.split("/")
        if len(given) != len(self.levels):
            return None
        for place, level in enumerate(self.levels):
            if level != given[place] and level != "+" and place not in self.names:
                return None
        return {name: given[place] for place, name in self.names.items()}


def pattern(text: str) -> Pattern:
    """Raises BadPattern."""
    levels = tuple(text.split("/"))
    for level in levels:
        if any(char in level for char in "#{}+\0") and level != "+" and not NAMED.fullmatch(level):
            raise BadPattern(f"{text!r}: a level is plain text, + or one {{name}}, not {level!r}")
    names = {place: found[1] for place, level in enumerate(levels) if (found := NAMED.fullmatch(level))}
    if "device" not in names.values():
        raise BadPattern(f"{text!r} must say where the device stands: {{device}}")
    return Pattern(levels, names)
