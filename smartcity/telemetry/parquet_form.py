# SPDX-License-Identifier: Apache-2.0
"""Readings as Parquet, a row group or more a day. pyarrow is optional: it is loaded here only, when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final
from zoneinfo import ZoneInfo

import numpy as np

from smartcity.telemetry.portable import AT_ONCE, READ_BACK, BadFile, Chunk, Named, offsets_min

MISSING: Final = (
    "Parquet needs the package pyarrow, which is not installed: script/bootstrap --parquet brings it (55 MB), "
    "or use --format csv."
)


class ParquetWriter:
    def __init__(self, file: BinaryIO, zone: ZoneInfo, told: dict[str, str]) -> None:
        """`told` goes into the file's own key-value metadata."""
        self._arrow, self._zone = _arrow(), zone
        self._schema = _schema(self._arrow, told | {"smartcity.time_zone": zone.key})
        self._file = _parquet().ParquetWriter(file, self._schema, compression="zstd")

    def write(self, chunk: Chunk) -> None:
        pa, ahead = self._arrow, offsets_min(chunk.at, self._zone)
        texts = [
            _words(pa, chunk, [getattr(one, word) for one in chunk.names]) for word in ("device", "metric", "unit")
        ]
        columns = [
            pa.array(chunk.at.astype("datetime64[ms]"), self._schema.field("at_utc").type),
            pa.array((chunk.at + ahead * 60_000).astype("datetime64[ms]")),
            pa.array(ahead.astype(np.int16)),
            *texts,
            pa.array(chunk.value),
            pa.array(chunk.quality.astype(np.int16)),
            pa.array(chunk.delay_s.astype(np.int32)),
            pa.array(np.array([one.simulated for one in chunk.names], np.bool_)[chunk.name]),
            pa.array(np.array([one.series for one in chunk.names], np.int64)[chunk.name]),
        ]
        self._file.write_table(pa.Table.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        self._file.close()


class ParquetReader:
    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = _parquet().ParquetFile(path)
        except (OSError, _arrow().ArrowException) as problem:
            raise BadFile(f"{path} cannot be read as Parquet ({problem}).") from None
        names = self._file.schema_arrow.names
        missing = [name for name in READ_BACK if name not in names]
        if missing:
            raise BadFile(f"{path} has no column {', '.join(missing)}; it must have {', '.join(READ_BACK)}.")

    @property
    def rows(self) -> int | None:
        return int(self._file.metadata.num_rows)

    def chunks(self) -> Iterator[Chunk]:
        names, known = list[Named](), dict[tuple[str, ...], int]()
        first = 1
        for batch in self._file.iter_batches(AT_ONCE, columns=list(READ_BACK)):
            try:
                yield _chunk(_arrow(), batch, names, known, first)
            except (ValueError, TypeError, _arrow().ArrowException) as problem:
                raise BadFile(f"Rows from {first} of {self._path} cannot be read ({problem}).") from None
            first += batch.num_rows


def _schema(pa: Any, told: dict[str, str]) -> Any:
    words = pa.dictionary(pa.int32(), pa.string())
    return pa.schema(
        {
            "at_utc": pa.timestamp("ms", tz="UTC"), "at_city": pa.timestamp("ms"), "utc_offset_min": pa.int16(),
            "device": words, "metric": words, "unit": words, "value": pa.float64(), "quality": pa.int16(),
            "delay_s": pa.int32(), "simulated": pa.bool_(), "series": pa.int64(),
        },
        metadata=told,
    )  # fmt: skip


def _words(pa: Any, chunk: Chunk, words: Sequence[str]) -> Any:
    """One word of each row's series, each distinct word once."""
    distinct, which = np.unique(np.array(words, np.str_), return_inverse=True)
    return pa.DictionaryArray.from_arrays(which[chunk.name].astype(np.int32), pa.array(distinct.tolist(), pa.string()))


def _chunk(pa: Any, batch: Any, names: list[Named], known: dict[tuple[str, ...], int], first: int) -> Chunk:
    columns = {name: batch.column(name) for name in READ_BACK}
    empty = [name for name, column in columns.items() if column.null_count]
    if empty:
        raise ValueError(f"{empty[0]} is empty somewhere")
    if columns["at_utc"].type.tz is None:
        raise ValueError("at_utc says no time zone")
    keys = list(
        zip(*(columns[word].cast(pa.string()).to_pylist() for word in ("device", "metric", "unit")), strict=True)
    )
    for key in dict.fromkeys(keys):
        if key not in known:
            known[key] = len(names)
            names.append(Named(*key))
    at = columns["at_utc"].cast(pa.timestamp("ms", tz="UTC")).cast(pa.int64())
    quality, delay_s = (columns[name].cast(pa.int64()).to_numpy() for name in ("quality", "delay_s"))
    name = np.array([known[key] for key in keys], np.int64)
    return Chunk(names, name, at.to_numpy(), columns["value"].cast(pa.float64()).to_numpy(), quality, delay_s, first)


def _arrow() -> Any:
    try:
        import pyarrow as pa
    except ImportError:
        raise BadFile(MISSING) from None
    return pa


def _parquet() -> Any:
    _arrow()
    import pyarrow.parquet

    return pyarrow.parquet
