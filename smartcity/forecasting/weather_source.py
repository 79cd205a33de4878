# SPDX-License-Identifier: Apache-2.0
"""Where weather forecasts come from: a file, an address, or a folder of recorded ones. Blocking: never on a loop."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from smartcity.forecasting.bulletin import BadBulletin, Bulletin, of_csv, of_json

TIMEOUT_S, PATIENCE_S = 10.0, 30.0
EVERY_S = 1800.0  # a weather service has something new a few times a day
FIRST_PAUSE_S, LONGEST_PAUSE_S = 60.0, 3600.0
LARGEST = 2_000_000
RECORDED = "%Y%m%dT%H%MZ.json"


class BadSource(Exception):
    """What is wrong with SMARTCITY_WEATHER, in a sentence."""


class Source(Protocol):
    """`name` is what people read; it holds no secret."""

    @property
    def name(self) -> str: ...

    def fetch(self, now_ms: int, since_ms: int) -> list[Bulletin] | None:
        """What was issued after `since_ms` up to `now_ms` and is not known yet, oldest first; often nothing.

        None where it was not looked for, because it is too early. Raises BadBulletin where what is there cannot be
        used, OSError where nothing can be had.
        """
        ...


@dataclass(slots=True)
class File:
    """One file that is replaced by each new forecast; read again when it has changed."""

    path: Path
    _seen: tuple[int, int] = (0, 0)

    @property
    def name(self) -> str:
        return self.path.name

    def fetch(self, now_ms: int, since_ms: int) -> list[Bulletin]:
        state = self.path.stat()
        mark = (state.st_mtime_ns, state.st_size)
        if mark == self._seen:
            return []
        found = _read(self.path, now_ms)  # one that cannot be read is looked at again
        self._seen = mark
        return [found] if found.issued_ms > since_ms else []


@dataclass(slots=True)
class Recorded:
    """A folder of forecasts in our JSON form, each named by the instant it was issued (20261128T1200Z.json)."""

    folder: Path

    @property
    def name(self) -> str:
        return f"recordings in {self.folder.name}/"

    def fetch(self, now_ms: int, since_ms: int) -> list[Bulletin]:
        after, until = (time.strftime(RECORDED, time.gmtime(at / 1000)) for at in (since_ms, now_ms))
        found, problem = [], None
        for name in sorted(one.name for one in self.folder.glob("*.json") if after < one.name <= until):
            try:
                found.append(_read(self.folder / name, now_ms))
            except BadBulletin as reason:
                problem = BadBulletin(f"{name}: {reason}")
        if problem is not None and not found:
            raise problem
        return [one for one in found if since_ms < one.issued_ms <= now_ms]


@dataclass(slots=True)
class Web:
    """An address that answers with JSON. Asked twice an hour; after a failure later and later.

    Redirects are not followed, and without TLS only loopback and private addresses are spoken to.
    """

    url: str
    key: str = ""
    may_be_plain: bool = False
    clock: Callable[[], float] = time.monotonic
    _next_s: float = float("-inf")
    _failures: int = 0
    _last: bytes = field(default=b"", repr=False)

    @property
    def name(self) -> str:
        return urlsplit(self.url).hostname or ""

    def fetch(self, now_ms: int, since_ms: int) -> list[Bulletin] | None:
        if self.clock() < self._next_s:
            return None
        try:
            body = self._get()
            found = [of_json(body, now_ms)] if body != self._last else []
        except (OSError, http.client.HTTPException, BadBulletin) as problem:
            pause = min(FIRST_PAUSE_S * 2.0 ** min(self._failures, 10), LONGEST_PAUSE_S)
            self._failures, self._next_s = self._failures + 1, self.clock() + pause
            if isinstance(problem, http.client.HTTPException):
                raise BadBulletin(f"its answer cannot be read ({type(problem).__name__}).") from None
            raise
        self._failures, self._next_s, self._last = 0, self.clock() + EVERY_S, body
        return [one for one in found if one.issued_ms > since_ms]

    def _get(self) -> bytes:
        where = urlsplit(self.url.replace("{key}", self.key))
        headers = {"Accept": "application/json", "Host": where.netloc.rpartition("@")[2]}
        if self.key and "{key}" not in self.url:
            headers["Authorization"] = f"Bearer {self.key}"
        line = self._line(where.scheme, where.hostname or "", where.port)
        until = self.clock() + PATIENCE_S
        try:
            line.request("GET", f"{where.path or '/'}?{where.query}".rstrip("?"), headers=headers)
            answer = line.getresponse()
            if answer.status != 200:
                raise BadBulletin(f"it answers {answer.status}{_moved(answer)}.")
            body = b""
            while part := answer.read1(65_536):
                body += part
                if len(body) > LARGEST:
                    raise BadBulletin(f"its answer is longer than {LARGEST:,} bytes.")
                if self.clock() > until:
                    raise TimeoutError(f"the answer takes longer than {PATIENCE_S:.0f} s")
            return body
        finally:
            line.close()

    def _line(self, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
        if scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=context)
        address = str(socket.getaddrinfo(host, port or 80, type=socket.SOCK_STREAM)[0][4][0])
        if not self.may_be_plain and not ipaddress.ip_address(address).is_private:
            raise BadBulletin("without TLS only loopback and private addresses are spoken to; use https.")
        return http.client.HTTPConnection(address, port, timeout=TIMEOUT_S)


def source(setting: str, *, key: str = "", may_be_plain: bool = False) -> Source | None:
    """By SMARTCITY_WEATHER: `file:PATH`, `recorded:FOLDER`, an address, or empty for none. Raises BadSource."""
    scheme, _, rest = setting.partition(":")
    if not setting:
        return None
    if scheme == "file" and Path(rest).suffix in (".json", ".csv"):
        return File(Path(rest))
    if scheme == "recorded" and rest:
        return Recorded(Path(rest))
    if scheme in ("http", "https") and urlsplit(setting).hostname:
        return Web(setting, key, may_be_plain)
    raise BadSource(
        "SMARTCITY_WEATHER is neither file:PATH.json, file:PATH.csv, recorded:FOLDER nor an address with http(s)://."
    )


def _read(path: Path, now_ms: int) -> Bulletin:
    body = path.read_bytes() if path.stat().st_size <= LARGEST else b""
    if not body:
        raise BadBulletin(f"{path.name} is empty or larger than {LARGEST:,} bytes.")
    return (
        of_csv(body, now_ms, path.stat().st_mtime_ns // 1_000_000) if path.suffix == ".csv" else of_json(body, now_ms)
    )


def _moved(answer: http.client.HTTPResponse) -> str:
    return "; redirects are not followed" if 300 <= answer.status < 400 else ""
