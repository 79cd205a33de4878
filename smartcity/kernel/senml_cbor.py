# SPDX-License-Identifier: Apache-2.0
"""SenML in CBOR (RFC 8428 section 6): the same records as in JSON, their labels as numbers."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NoReturn

import cbor2

from smartcity.kernel.codecs import BadPayload

LABELS: Final = {-1: "bver", -2: "bn", -3: "bt", -4: "bu", -5: "bv", 0: "n", 1: "u", 2: "v", 4: "vb", 6: "t"}
DEEPEST: Final = 2  # an array of maps, and nothing within
FIRST_BYTES: Final = (b"\x80", b"\xa0")  # an array in CBOR begins within; no JSON does


class _Refused(Mapping[int, Callable[..., object]]):
    """Answers for every tag: what a tag would have made of its content is never made."""

    def __getitem__(self, tag: int) -> Callable[..., object]:
        return _refuse

    def __iter__(self) -> Iterator[int]:
        return iter(())

    def __len__(self) -> int:
        return 1


_refused = _Refused()


def is_cbor(payload: bytes) -> bool:
    return FIRST_BYTES[0] <= payload[:1] < FIRST_BYTES[1]


def read(payload: bytes) -> list[dict[str, object]]:
    """Records by the names of their fields in JSON; the types of values are for the caller to check. Raises
    BadPayload."""
    source = io.BytesIO(payload)
    decoder = cbor2.CBORDecoder(
        source, tag_hook=_refuse, semantic_decoders=_refused, max_depth=DEEPEST, allow_duplicate_keys=False
    )
    try:
        found = decoder.decode()
        if source.tell() != len(payload):
            raise BadPayload("not SenML CBOR: bytes after the end")
    except (cbor2.CBORError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise BadPayload(f"not SenML CBOR: {error}") from None
    if not isinstance(found, list):
        raise BadPayload("not SenML CBOR: a pack is an array")
    return [_record(one) for one in found]


def _record(found: object) -> dict[str, object]:
    if not isinstance(found, Mapping):
        raise BadPayload("not SenML CBOR: a record is a map")
    record = {}
    for label, value in found.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise BadPayload(f"not SenML CBOR: {LABELS.get(label, label)!r} is not a finite number")
        if isinstance(label, str) and label.endswith("_"):  # RFC 8428 section 4.4: must be understood
            raise BadPayload(f"not SenML CBOR: {label!r} is not understood")
        if type(label) is int and label in LABELS:
            record[LABELS[label]] = value
    return record


def _refuse(*_: object) -> NoReturn:
    raise ValueError("tags are not read")
