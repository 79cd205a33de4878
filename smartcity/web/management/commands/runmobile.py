# SPDX-License-Identifier: Apache-2.0
"""`manage.py runmobile`: alarms and crew pages for phones, in a process that can do nothing else."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser
from typing import Any

import uvloop
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from smartcity import serving

MODULE = "smartcity.mobile.settings"


class Command(BaseCommand):
    help = "Serve phones: alarms to read and acknowledge, crews' rounds. No commands, no administration, no live view."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--address", default="127.0.0.1", help="where to listen (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8003, help="(8003)")

    def handle(self, *args: Any, **options: Any) -> None:
        address, port = options["address"], options["port"]
        if settings.SETTINGS_MODULE != MODULE:
            raise CommandError(
                f"This process has the whole city's settings; unset DJANGO_SETTINGS_MODULE or say {MODULE}."
            )
        if not _has_key():
            raise CommandError(
                "There is no key to sign sessions with: name its file in SMARTCITY_MOBILE_SECRET_KEY_FILE. The city's "
                "first start made one, secrets/mobile_secret_key in its SMARTCITY_VAR."
            )
        reason = serving.refusal(address, port)
        if reason:
            raise CommandError(
                f"Port {port} on {address} cannot be used ({reason.lower()}); choose another with --port."
            )
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(address, port, self._say))

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _has_key() -> bool:
    """Django refuses an empty key as it is read."""
    try:
        return bool(settings.SECRET_KEY)
    except ImproperlyConfigured:
        return False


async def _serve(address: str, port: int, say: Any) -> None:
    from smartcity.mobile.serve import serve  # only now: it makes Django's application

    await serve(address, port, say)
