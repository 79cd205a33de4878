# SPDX-License-Identifier: Apache-2.0
"""The front door: hot raw routes first (ingest, clock, base map, live view), Django behind them."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smartcity.settings")

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path

django_application: Any = get_asgi_application()

from smartcity import frontdoor
from smartcity.realtime.consumer import Live, with_plain_send

consumer: Any = Live.as_asgi()
routes: list[Any] = [path("live", consumer)]
live = with_plain_send(AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(routes))))
application = ProtocolTypeRouter({"http": frontdoor.before(django_application), "websocket": live})
