# SPDX-License-Identifier: Apache-2.0
"""A timing sheet as JSON and back, with the version of the shape; what does not fit is said in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from enum import StrEnum
from math import isfinite
from types import NoneType, UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

from traffic.engineering.sheet import Sheet

VERSION: Final = 1
LONGEST_TEXT, MOST_ROWS = 200, 2000


class BadSheet(ValueError):
    """The JSON is not a timing sheet; the message says where and why."""


def write(sheet: Sheet) -> dict[str, Any]:
    """JSON-ready, with the version of this shape."""
    return {"version": VERSION, **_plain(asdict(sheet))}


def read(data: object) -> Sheet:
    """Raises BadSheet. Fields the shape does not know are refused: they would be lost."""
    if not isinstance(data, Mapping):
        raise BadSheet("a timing sheet is an object")
    if data.get("version") != VERSION:
        raise BadSheet(f"version {data.get('version')!r} of the shape is not known; this is version {VERSION}")
    found = _record(Sheet, {name: value for name, value in data.items() if name != "version"}, "the sheet")
    assert isinstance(found, Sheet)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, StrEnum) else value


def _record(kind: type[Any], data: object, where: str) -> object:
    if not isinstance(data, Mapping):
        raise BadSheet(f"{where} is not an object")
    hints = get_type_hints(kind)
    known = {item.name: item for item in fields(kind)}
    unknown = sorted(str(name) for name in data if name not in known)
    if unknown:
        raise BadSheet(f"{where} has a field {unknown[0]!r} that is not known")
    try:
        return kind(**{name: _value(hints[name], value, f"{name} of {where}") for name, value in data.items()})
    except TypeError:
        lacking = [name for name in known if name not in data]
        raise BadSheet(f"{where} lacks {', '.join(lacking)}") from None


def _value(kind: Any, value: object, where: str) -> object:
    if isinstance(kind, UnionType):
        return None if value is None else _value(next(k for k in get_args(kind) if k is not NoneType), value, where)
    if get_origin(kind) is tuple:
        return _row(get_args(kind)[0], value, where)
    if is_dataclass(kind):
        return _record(kind, value, where)  # type: ignore[arg-type]
    if issubclass(kind, StrEnum):
        if value not in list(kind):
            raise BadSheet(f"{where} is {value!r}, not one of {', '.join(kind)}")
        return kind(value)
    return _plainly(kind, value, where)


def _row(kind: Any, value: object, where: str) -> tuple[object, ...]:
    if not isinstance(value, list | tuple) or len(value) > MOST_ROWS:
        raise BadSheet(f"{where} is not a list of at most {MOST_ROWS} items")
    return tuple(_value(kind, item, f"item {place} of {where}") for place, item in enumerate(value, start=1))


def _is_sane(value: float, *, whole: bool) -> bool:
    is_number = not isinstance(value, bool) and isfinite(value) and abs(value) < 1e6
    return is_number and (not whole or value == int(value))


def _plainly(kind: type[Any], value: object, where: str) -> object:
    if kind is bool and isinstance(value, bool):
        return value
    if kind is str and isinstance(value, str) and len(value) <= LONGEST_TEXT and "\0" not in value:
        return value
    if kind in (int, float) and isinstance(value, int | float) and _is_sane(value, whole=kind is int):
        return kind(value)
    words = {bool: "true or false", str: f"a text of at most {LONGEST_TEXT} characters", int: "a whole number"}
    raise BadSheet(f"{where} is not {words.get(kind, 'a number')}")
