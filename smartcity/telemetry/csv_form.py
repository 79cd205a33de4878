# SPDX-License-Identifier: Apache-2.0
"""Readings as CSV: UTF-8, commas, one header; instants as ISO 8601, values so that reading them gives the same bits."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TextIO
from zoneinfo import ZoneInfo

import numpy as np

from smartcity.telemetry.arrays import Ints
from smartcity.telemetry.portable import AT_ONCE, COLUMNS, READ_BACK, BadFile, Chunk, Named, offsets_min


class CsvWriter:
    def __init__(self, file: TextIO, zone: ZoneInfo) -> None:
        self._file, self._zone = file, zone
        self._rows = csv.writer(file, lineterminator="\n")
        self._rows.writerow(COLUMNS)

    def write(self, chunk: Chunk) -> None:
        named = [chunk.names[place] for place in chunk.name.tolist()]
        ahead = offsets_min(chunk.at, self._zone)
        city = _text(chunk.at + ahead * 60_000)
        utc = [f"{text}Z" for text in _text(chunk.at)]
        self._rows.writerows(
            (at, local, offset, n.device, n.metric, n.unit, repr(value), quality, delay, int(n.simulated), n.series)
            for at, local, offset, n, value, quality, delay in zip(
                utc, city, ahead.tolist(), named, chunk.value.tolist(), chunk.quality.tolist(), chunk.delay_s.tolist(),
                strict=True,
            )
        )  # fmt: skip

    def close(self) -> None:
        self._file.flush()


class CsvReader:
    rows = None

    def __init__(self, path: Path) -> None:
        self._path = path

    def chunks(self) -> Iterator[Chunk]:
        try:
            with self._path.open(newline="", encoding="utf-8-sig") as file:
                yield from self._chunks(csv.reader(file, strict=True))
        except (UnicodeDecodeError, csv.Error) as problem:
            raise BadFile(f"{self._path} is no CSV file in UTF-8 ({problem}).") from None

    def _chunks(self, rows: Iterator[list[str]]) -> Iterator[Chunk]:
        header = next(rows, [])
        missing = [name for name in READ_BACK if name not in header]
        if missing:
            raise BadFile(f"{self._path} has no column {', '.join(missing)}; it must have {', '.join(READ_BACK)}.")
        places, names, known = [header.index(name) for name in READ_BACK], list[Named](), dict[tuple[str, ...], int]()
        first = 1
        while part := list(islice(rows, AT_ONCE)):
            yield self._chunk(part, places, names, known, first)
            first += len(part)

    def _chunk(
        self,
        part: list[list[str]],
        places: list[int],
        names: list[Named],
        known: dict[tuple[str, ...], int],
        first: int,
    ) -> Chunk:
        width = max(places) + 1
        short = next((place for place, row in enumerate(part) if len(row) < width), None)
        if short is not None:
            raise BadFile(f"Row {first + short} of {self._path} has too few columns.")
        at, device, metric, unit, value, quality, delay = ([row[place] for row in part] for place in places)
        keys = list(zip(device, metric, unit, strict=True))
        for key in dict.fromkeys(keys):
            if key not in known:
                known[key] = len(names)
                names.append(Named(*key))
        read = self._column
        return Chunk(
            names,
            np.array([known[key] for key in keys], np.int64),
            read(at, _instants, "at_utc", "an instant in UTC (2027-01-15T06:00:00.000Z)", first),
            read(value, lambda texts: np.array(texts, np.float64), "value", "a number", first),
            read(quality, lambda texts: np.array(texts, np.int64), "quality", "a whole number", first),
            read(delay, lambda texts: np.array(texts, np.int64), "delay_s", "a whole number", first),
            first,
        )

    def _column(self, texts: list[str], convert: Callable[[list[str]], Any], name: str, what: str, first: int) -> Any:
        """The whole column at once; where it fails, the row is looked for and named."""
        try:
            return convert(texts)
        except (ValueError, OverflowError):
            for place, text in enumerate(texts):
                try:
                    convert([text])
                except (ValueError, OverflowError):
                    raise BadFile(f"Row {first + place} of {self._path}: {name} {text!r} is not {what}.") from None
            raise


def _text(at: Ints) -> Sequence[str]:
    texts: list[str] = np.datetime_as_string(at.astype("datetime64[ms]"), unit="ms").tolist()
    return texts


def _instants(texts: list[str]) -> Ints:
    """Every one ends with Z: an instant whose zone must be guessed is none."""
    if not all(text.endswith("Z") for text in texts):
        raise ValueError("not UTC")
    found = np.array([text[:-1] for text in texts], "datetime64[ms]")
    if np.isnat(found).any():
        raise ValueError("no instant")
    return found.astype(np.int64)
