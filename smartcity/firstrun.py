# SPDX-License-Identifier: Apache-2.0
"""What the first start makes and every later start finds: secrets, tables, an administrator, a city, its history."""

from __future__ import annotations

import os
import secrets
import sys
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connections
from django.db.utils import DatabaseError

from smartcity import declared
from smartcity.control import modes
from smartcity.devices import importer, osm_read, plan, street, time_zone
from smartcity.devices.models import Asset, CityImport
from smartcity.kernel import clock as clocks
from smartcity.kernel.clock import clock
from smartcity.telemetry.line import line
from smartcity.twin import backfill

Say = Callable[[str], None]
DEMO_MAP = "Helsinki.osm.pbf"
DEMO_SPEED = 10.0


class CannotStart(Exception):
    """One sentence that says what to do."""


def write_secrets(folder: Path) -> bool:
    """Make what is missing of the city's own keys (mode 600); True when anything was made."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = False
    makers: dict[str, Callable[[], str]] = {
        "secret_key": _secret_key, "vapid_private_key": _vapid_key, "quarantine_key": _quarantine_key,
        "mobile_secret_key": _secret_key,
    }  # fmt: skip
    for name, make in makers.items():
        path = folder / name
        given = f"SMARTCITY_{name.upper()}"
        if not path.exists() and not (os.environ.get(given) or os.environ.get(f"{given}_FILE")):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(make())
            made = True
    return made


def _secret_key() -> str:
    return secrets.token_urlsafe(48)


def _quarantine_key() -> str:
    return Fernet.generate_key().decode()


def _vapid_key() -> str:
    """A P-256 private key as RFC 8292 tools read it: 32 bytes, base64url without padding."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()


def migrate(say: Say) -> None:
    """Bring all three databases up to date. Raises CannotStart when one is out of reach."""
    for alias in connections:
        try:
            _reach(alias)
            call_command("migrate", database=alias, verbosity=0, interactive=False)
        except DatabaseError as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise CannotStart(
                f"The {alias} database cannot be used ({reason}); check DATABASE_URL, free disk space and the "
                f"files' owner, or restore a backup (docs/how-to/back-up.md)."
            ) from error
        connections[alias].close()


def _reach(alias: str) -> None:
    """Knock once: the pool of connections waits for a server that is away, and then knows no reason."""
    if connections[alias].vendor == "postgresql":
        import psycopg

        try:
            psycopg.connect(**(line(alias) | {"connect_timeout": 5})).close()
        except psycopg.OperationalError as error:
            raise DatabaseError(str(error)) from error


def administrator(say: Say) -> None:
    """When nobody can sign in yet: an administrator with a random password, printed this once."""
    users = get_user_model()
    if users._default_manager.exists():
        return
    password = "-".join(secrets.token_hex(3) for _ in range(4))
    users._default_manager.create_superuser("admin", "", password)
    say("")
    say("  Sign in as  admin")
    say(f"  password    {password}")
    say("  It is shown this once. Change it under your name, or with manage.py changepassword admin.")
    say("")


def prepare(say: Say, *, city: Path | None, demo: bool, ceiling: float | None) -> bool:
    """Everything that has to stand before the city may run; on a later start it finds it all and takes no time.

    True when heavy work was done, whose memory a fresh process does not need to carry. Raises CannotStart, and
    declared.Undeclared where a domain declares what the platform cannot accept.
    """
    declared.metrics()  # raises Undeclared before anything is made
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    migrate(say)
    administrator(say)
    heavy = (city is not None or demo) and build_city(say, city, demo=demo)
    street.move_to(time_zone.learn())
    start_clock(ceiling)
    if demo and clock.is_simulation:
        heavy |= write_history(say)
        modes.grant_demo(clock.now_ms())
    return heavy


def build_city(say: Say, given: Path | None, *, demo: bool) -> bool:
    """Import the map where no city stands yet, or where another file is named than the one in force."""
    current = CityImport.objects.filter(is_current=True).first()
    path = given or settings.VAR / DEMO_MAP
    if current is not None and (given is None or current.source == given.name):
        return False
    if not path.exists():
        raise CannotStart(f"There is no map at {path}: script/bootstrap --demo brings the demo's, or name a file.")
    try:
        importer.import_city(path, demo=demo, replace=given is not None, say=say)
    except (osm_read.BadMap, plan.BadDraft) as error:
        raise CannotStart(str(error)) from error
    return True


def start_clock(ceiling: float | None) -> None:
    """LIVE where every device is real; where the street is simulated, city time goes on where it stopped."""
    if not Asset.objects.filter(simulated=True, missing_since=None).exists():
        return
    path = settings.VAR / "clock.json"
    left = clocks.load(path)
    wish = ceiling or (left.ceiling if left else DEMO_SPEED)
    clock.start_simulation(left.city_ms if left else clocks.wall_ms(), wish)
    clocks.save(clock.anchor, path)


def write_history(say: Say) -> bool:
    """Eight weeks before the city's first instant, once; a start that was interrupted here begins them again."""
    done = settings.VAR / "history-written"
    if done.exists():
        return False
    say("Writing eight weeks of history, so that forecasts and baselines have something to stand on")
    report = backfill.backfill(clock.now_ms(), progress=Progress(say))
    done.write_text(report.words())
    say(f"  {report.words()}")
    return True


class Progress:
    """Says how far long work is, at every tenth."""

    def __init__(self, say: Say) -> None:
        self._say, self._tenth = say, 0

    def __call__(self, share: float, words: str) -> None:
        if int(share * 10) > self._tenth:
            self._tenth = int(share * 10)
            self._say(f"  {share:4.0%}  {words}")


def again() -> None:
    """Start this very command once more, so that it reads the secrets just made."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
