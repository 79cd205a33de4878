# SPDX-License-Identifier: Apache-2.0
"""Start a new domain: copy the template, which works as it is, under a name of your own."""

from __future__ import annotations

import importlib.util
import keyword
import re
import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

TEMPLATE = Path(__file__).resolve().parents[2] / "domain_template"
PLACEHOLDER = "newdomain"
NAME = re.compile(r"[a-z]{2,20}")
LONGEST_PREFIX = 8


class Command(BaseCommand):
    help = __doc__
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="two to twenty small letters, e.g. parking")

    def handle(self, *, name: str, **options: Any) -> None:
        root = Path(settings.ROOT)
        if fault := _fault(name, root):
            raise CommandError(fault)
        _copy(TEMPLATE, root / name, name)
        tests = root / "tests" / name
        tests.parent.mkdir(exist_ok=True)
        shutil.move(root / name / "tests", tests)
        self.stdout.write(
            f"The domain {name} stands in {name}/, its tests in tests/{name}/. It is installed by being there: run\n"
            f"  manage.py migrate\n  manage.py importcity FILE --demo\n  python -m pytest tests/conformance"
        )


def _fault(name: str, root: Path) -> str:
    """Why a domain cannot be called that; empty when it can."""
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        return f"{name!r} cannot name a domain: use two to twenty small letters, since its metrics start with it."
    if (root / name).exists() or (root / "tests" / name).exists() or importlib.util.find_spec(name):
        return f"There is something called {name} already; choose another name."
    return ""


def _copy(source: Path, target: Path, name: str) -> None:
    """A folder with the placeholder replaced in names and texts. Nothing is left behind when it fails."""
    try:
        for path in sorted(source.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                to = target / _renamed(str(path.relative_to(source)), name)
                to.parent.mkdir(parents=True, exist_ok=True)
                to.write_text(_renamed(path.read_text(encoding="utf-8"), name), encoding="utf-8")
    except OSError as error:
        shutil.rmtree(target, ignore_errors=True)
        raise CommandError(f"{target} cannot be written ({error.strerror}).") from None


def _renamed(text: str, name: str) -> str:
    text = text.replace(PLACEHOLDER.upper(), name.upper()[:LONGEST_PREFIX])
    return text.replace(PLACEHOLDER.capitalize(), name.capitalize()).replace(PLACEHOLDER, name)
