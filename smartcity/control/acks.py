# SPDX-License-Identifier: Apache-2.0
"""What a device answers to a command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Answer(Protocol):
    """What the dispatcher needs of an acknowledgement, whoever read it from the wire."""

    @property
    def device(self) -> str: ...

    @property
    def id(self) -> str: ...

    @property
    def state(self) -> str: ...

    @property
    def reason(self) -> str: ...


@dataclass(frozen=True, slots=True)
class AckMessage:
    """`device` is the uid that proved its secret; `id` a command's UUID or `f<number>` of a fast request."""

    device: str
    id: str
    state: str
    reason: str = ""
    at_ms: int = 0
