# SPDX-License-Identifier: Apache-2.0
"""What a person hears when the city says no: one sentence that says what to do."""

from __future__ import annotations

from datetime import datetime


class No(Exception):
    """Base of the three; `message` is fit for the page."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Refused(No):
    """The request itself cannot be carried out: a limit check, a missing reason, an unknown point."""


class NotAllowed(No):
    """Somebody else would have to do it."""


class Conflict(No):
    """Somebody holds it already. `owner` and `until` say who and how long."""

    def __init__(self, message: str, owner: str, until: datetime | None) -> None:
        super().__init__(message)
        self.owner = owner
        self.until = until
