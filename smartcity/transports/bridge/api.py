# SPDX-License-Identifier: Apache-2.0
"""The few things a network server takes over its HTTP interface only. Blocking: call it in a thread."""

from __future__ import annotations

import http.client
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

TIMEOUT_S: Final = 10.0
LONGEST_ANSWER: Final = 2_000


class Refused(Exception):
    """The message is a sentence with what the server said."""


@dataclass(frozen=True, slots=True)
class Call:
    """A POST of JSON, on behalf of the (device, id) it is `about`; `key` is the downlink's own id."""

    url: str
    token_file: str
    body: bytes
    key: str
    about: tuple[tuple[str, str], ...]


def perform(call: Call) -> None:
    """Raises Refused."""
    try:
        status, said = _post(call)
    except (OSError, http.client.HTTPException, ValueError) as problem:
        raise Refused(f"the network's interface at {_place(call.url)} cannot be reached: {problem}") from None
    if not 200 <= status < 300:
        raise Refused(f"the network's interface at {_place(call.url)} answers {status}: {said[:200]}")


def _post(call: Call) -> tuple[int, str]:
    where = urlsplit(call.url)
    token = Path(call.token_file).read_text().strip() if call.token_file else ""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    headers |= {"Grpc-Metadata-Authorization": f"Bearer {token}"} if token else {}
    connection: http.client.HTTPConnection
    if where.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(where.hostname or "", where.port, timeout=TIMEOUT_S, context=context)
    else:
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=TIMEOUT_S)
    try:
        connection.request("POST", where.path, call.body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(LONGEST_ANSWER).decode(errors="replace")
    finally:
        connection.close()


def _place(url: str) -> str:
    where = urlsplit(url)
    return f"{where.scheme}://{where.netloc}"
