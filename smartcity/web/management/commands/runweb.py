# SPDX-License-Identifier: Apache-2.0
"""`manage.py runweb`: one process of a city of several (docs/how-to/run-in-production.md)."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from smartcity.processes.command import ProcessCommand
from smartcity.processes.part import Say


class Command(ProcessCommand):
    help = "Serve pages, REST and the live view. Any number of them may run."
    port = 8000

    def main(self, address: str, port: int, say: Say, *, shares_port: bool) -> Coroutine[Any, Any, None]:
        from smartcity.processes import apart  # only now: it builds the web application

        return apart.web(address, port, say, shares_port=shares_port)
