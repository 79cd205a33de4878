# SPDX-License-Identifier: Apache-2.0
"""What the first start makes and every later start finds: secrets, tables, an administrator, a city, its history."""

from __future__ import annotations

import os
import secrets
import sys
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connections
from django.db.utils import DatabaseError

Say = Callable[[str], None]


class CannotStart(Exception):
    """One sentence that says what to do."""


def write_secrets(folder: Path) -> bool:
    """Make what is missing of the secret key and the VAPID key (mode 600); True when anything was made."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = False
    makers: dict[str, Callable[[], str]] = {"secret_key": _secret_key, "vapid_private_key": _vapid_key}
    for name, make in makers.items():
        path = folder / name
        if not path.exists() and not os.environ.get(f"SMARTCITY_{name.upper()}"):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(make())
            made = True
    return made


def _secret_key() -> str:
    return secrets.token_urlsafe(48)


def _vapid_key() -> str:
    """A P-256 private key as RFC 8292 tools read it: 32 bytes, base64url without padding."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()


def migrate(say: Say) -> None:
    """Bring all three databases up to date. Raises CannotStart when one is out of reach."""
    for alias in connections:
        try:
            call_command("migrate", database=alias, verbosity=0, interactive=False)
        except DatabaseError as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise CannotStart(
                f"The {alias} database cannot be used ({reason}); check DATABASE_URL, free disk space and the "
                f"files' owner, or restore a backup (docs/how-to/back-up.md)."
            ) from error
        connections[alias].close()


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


def again() -> None:
    """Start this very command once more, so that it reads the secrets just made."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
