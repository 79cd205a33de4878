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

    @property
    def filter(self) -> str:
        return "/".join("+" if NAMED.fullmatch(level) else level for level in self.levels)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(found[1] for level in self.levels if (found := NAMED.fullmatch(level)))

    def match(self, topic: str) -> dict[str, str] | None:
        """What stands at the named levels; None when it is another topic."""
        given = topic.split("/")
        if len(given) != len(self.levels):
            return None
        found: dict[str, str] = {}
        for level, text in zip(self.levels, given, strict=True):
            if name := NAMED.fullmatch(level):
                found[name[1]] = text
            elif level not in ("+", text):
                return None
        return found

    def fill(self, names: Mapping[str, str]) -> str:
        """The topic with everything named put in. Raises KeyError where a name is missing."""
        return "/".join(names[found[1]] if (found := NAMED.fullmatch(level)) else level for level in self.levels)


def pattern(text: str, needs: str = "device") -> Pattern:
    """Raises BadPattern."""
    levels = tuple(text.split("/"))
    for level in levels:
        if any(char in level for char in "#{}+\0") and level != "+" and not NAMED.fullmatch(level):
            raise BadPattern(f"{text!r}: a level is plain text, + or one {{name}}, not {level!r}")
    made = Pattern(levels)
    if needs not in made.names:
        raise BadPattern(f"{text!r} must say where the {needs} stands: {{{needs}}}")
    return made
