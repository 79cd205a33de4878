# SPDX-License-Identifier: Apache-2.0
"""How the columns of a city's own list become assets: a TOML file (docs/how-to/import-assets.md)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
REQUIRED = ("source", "domain", "kind", "prefix", "external_id")
TEXTS = (*REQUIRED, "name", "parent", "layer", "crs", "encoding", "x", "y", "wkt")


class BadMapping(Exception):
    """The mapping cannot be used; the message says why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the list: its value times `factor`, or the word `values` gives for it, else `default`."""

    name: str
    factor: float = 1.0
    values: Mapping[str, Any] = field(default_factory=dict)
    default: Any = None

    def of(self, row: Mapping[str, Any]) -> Any:
        """Raises ValueError for a value that cannot be multiplied or has no translation."""
        value = row[self.name]
        if value is None or value == "":
            return self.default
        if self.values:
            if str(value) not in self.values:
                raise ValueError(f"{self.name} is {value!r}, for which the mapping has no value")
            return self.values[str(value)]
        return value if self.factor == 1.0 else float(value) * self.factor


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same value for every row."""

    value: Any

    def of(self, row: Mapping[str, Any]) -> Any:
        return self.value


@dataclass(frozen=True, slots=True)
class Speaker:
    """The device each row gets, without a secret until one is issued."""

    codec: str
    metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMapping:
    """One list. `name` may be a column or a text with {columns}; `parent` holds an external_id of the same source
    or a uid; `replaces` names sources whose assets of this kind give way to the list."""

    source: str
    domain: str
    kind: str
    prefix: str
    external_id: str
    name: str = ""
    parent: str = ""
    layer: str = ""
    crs: str = ""
    encoding: str = "utf-8"
    x: str = ""
    y: str = ""
    wkt: str = ""
    replaces: tuple[str, ...] = ()
    fields: Mapping[str, Column | Fixed] = field(default_factory=dict)
    engineering: Mapping[str, Column | Fixed] = field(default_factory=dict)
    device: Speaker | None = None

    def columns(self) -> set[str]:
        """Every column of the list the mapping names."""
        plain = {self.external_id, self.parent, self.x, self.y, self.wkt}
        plain |= set(PLACEHOLDER.findall(self.name)) or {self.name}
        used = [*self.fields.values(), *self.engineering.values()]
        return (plain | {item.name for item in used if isinstance(item, Column)}) - {""}

    def title(self, row: Mapping[str, Any]) -> str:
        if not PLACEHOLDER.search(self.name):
            return str(row[self.name] or "").strip() if self.name else ""
        return PLACEHOLDER.sub(lambda match: str(row[match[1]] or ""), self.name).strip()


def read(path: Path) -> ListMapping:
    """Raises BadMapping."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadMapping(f"{path} cannot be read ({error.strerror}).") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadMapping(f"{path.name} is not a TOML file ({error}).") from None
    try:
        return _mapping(found)
    except BadMapping as error:
        raise BadMapping(f"{path.name}: {error}") from None


def _mapping(found: dict[str, Any]) -> ListMapping:
    known = {*TEXTS, "replaces", "fields", "engineering", "device"}
    if strangers := sorted(found.keys() - known):
        raise BadMapping(f"it has {', '.join(strangers)}, which means nothing; known are {', '.join(sorted(known))}.")
    if missing := [name for name in REQUIRED if not found.get(name)]:
        raise BadMapping(f"it lacks {', '.join(missing)}.")
    if wrong := [name for name in TEXTS if not isinstance(found.get(name, ""), str)]:
        raise BadMapping(f"{', '.join(wrong)} must be text.")
    if bool(found.get("x")) != bool(found.get("y")):
        raise BadMapping("it names one of the columns x and y; name both.")
    return ListMapping(
        **{name: found[name] for name in TEXTS if name in found},
        replaces=tuple(found.get("replaces", ())),
        fields={name: _item(name, item) for name, item in found.get("fields", {}).items()},
        engineering={name: _item(name, item) for name, item in found.get("engineering", {}).items()},
        device=_speaker(found["device"]) if "device" in found else None,
    )


def _item(name: str, item: Any) -> Column | Fixed:
    """`"COLUMN"`, `{column = "COLUMN", factor = 1000}` or `{value = "primary"}`; a number stands for itself."""
    if isinstance(item, str):
        return Column(item)
    if not isinstance(item, dict):
        return Fixed(item)
    if item.keys() == {"value"}:
        return Fixed(item["value"])
    if "column" not in item or item.keys() - {"column", "factor", "values", "default"}:
        raise BadMapping(f"{name} must be a column, or have column with factor, values or default, or have value.")
    return Column(item["column"], float(item.get("factor", 1)), item.get("values", {}), item.get("default"))


def _speaker(item: Any) -> Speaker:
    if not isinstance(item, dict) or item.keys() - {"codec", "metrics"} or not item.get("metrics"):
        raise BadMapping("device must have metrics (a list of names) and may have codec.")
    return Speaker(item.get("codec", "senml"), tuple(item["metrics"]))
