# SPDX-License-Identifier: Apache-2.0
"""The door of `runmobile`: is it alive, is it ready, what time is it, and Django. No WebSocket, no readings."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smartcity.mobile.settings")

from django.core.asgi import get_asgi_application

from smartcity import frontdoor
from smartcity.frontdoor import Receive, Scope, Send

django_application: Any = get_asgi_application()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        await send({"type": "websocket.close", "code": 1008})
        return
    match scope["path"]:
        case "/alive":
            await frontdoor.alive(scope, receive, send)
        case "/ready":
            await frontdoor.ready(scope, receive, send)
        case "/clock":
            await frontdoor.tell_time(scope, receive, send)
        case _:
            await django_application(scope, receive, send)
