# SPDX-License-Identifier: Apache-2.0
"""Fixtures every test may use; what belongs to one folder lives beside its tests."""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest

from tests import servers

hypothesis.settings.register_profile("shared machine", deadline=None)  # how long a case takes is not ours to promise
hypothesis.settings.load_profile("shared machine")


def pytest_configure(config: pytest.Config) -> None:
    """Accounts of tests are many and guard nothing: hashing their passwords well would take minutes."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: workers get whole files, and a long one at the end leaves the others idle."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with servers.redis() as url:
        yield url


@pytest.fixture(scope="session")
def mosquitto_port() -> Iterator[int]:
    with servers.mosquitto() as port:
        yield port
