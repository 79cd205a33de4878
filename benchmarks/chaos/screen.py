# SPDX-License-Identifier: Apache-2.0
"""A browser's socket, watched: what it was told to say to people, and how fresh its values were."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from websockets import ConnectionClosed, Origin
from websockets.sync.client import connect


@dataclass(frozen=True, slots=True)
class Frame:
    """At `at` (monotonic) came a frame with this notice; its newest value was measured `age_s` before, inf without."""

    at: float
    notice: str
    age_s: float


class Screen:
    def __init__(self, page: str, cookies: Mapping[str, str]) -> None:
        self.frames: list[Frame] = []
        self._page, self._cookies = page, "; ".join(f"{name}={value}" for name, value in cookies.items())
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="screen", daemon=True)

    def __enter__(self) -> Screen:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._is_over.set()
        self._thread.join()

    def first(self, since: float, *, notice: bool, younger_s: float = float("inf")) -> float:
        """Seconds from `since` to the first frame (with or without a notice) whose values are so young; inf."""
        fitting = (f for f in list(self.frames) if f.at >= since and bool(f.notice) == notice)
        return next((f.at - since for f in fitting if f.age_s <= younger_s), float("inf"))

    def _watch(self) -> None:
        while not self._is_over.is_set():
            try:
                self._listen()
            except (OSError, ConnectionClosed, TimeoutError):
                time.sleep(0.2)

    def _listen(self) -> None:
        url, origin = self._page.replace("http", "ws") + "/live", Origin(self._page)
        with connect(url, origin=origin, additional_headers={"Cookie": self._cookies}, max_size=None) as line:
            while not self._is_over.is_set():
                try:
                    frame = json.loads(line.recv(timeout=0.5))
                except TimeoutError:
                    continue
                newest = max((row[2] for row in frame.get("values", ())), default=0)
                age_s = time.time() - newest / 1000 if newest else float("inf")
                self.frames.append(Frame(time.monotonic(), frame.get("notice", ""), age_s))
