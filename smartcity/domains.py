# SPDX-License-Identifier: Apache-2.0
"""The whole plug-in system: a domain is a Django app whose config is a DomainConfig; its rooms are found by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.apps import AppConfig, apps


class DomainConfig(AppConfig):
    """Base of every domain's app config: how the shell names, colours and orders it."""

    title: str = ""
    icon: str = "dot"
    order: int = 100
    shape: str = "circle"


@dataclass(frozen=True, slots=True)
class Tab:
    """Where phones begin with a domain (room `mobile`): the name of its first page, for accounts with that grant."""

    title: str
    page: str
    action: str


def find(root: Path) -> list[str]:
    """Folders under `root` that are domains: they hold both apps.py and metrics.py. O(folders)."""
    return sorted(p.parent.name for p in root.glob("*/metrics.py") if (p.parent / "apps.py").exists())


def installed() -> list[DomainConfig]:
    """The domains Django has loaded, in the order they want to be shown."""
    found = [config for config in apps.get_app_configs() if isinstance(config, DomainConfig)]
    return sorted(found, key=lambda config: (config.order, config.label))


def room(domain: str, name: str) -> Any | None:
    """The module `domain.name`, or None where the domain has no such room. Import errors inside it are raised."""
    return import_module(f"{domain}.{name}") if find_spec(f"{domain}.{name}") else None


def collect(name: str, attribute: str) -> Iterator[tuple[DomainConfig, Any]]:
    """(domain, module.attribute) for every installed domain that has room `name` with that attribute."""
    for config in installed():
        module = room(config.name, name)
        if module is not None and hasattr(module, attribute):
            yield config, getattr(module, attribute)
