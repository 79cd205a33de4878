# SPDX-License-Identifier: Apache-2.0
"""Fixtures every test may use; what belongs to one folder lives beside its tests."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import hypothesis
import pytest

from tests import migrated, servers

gc.disable()  # until all tests are collected
hypothesis.settings.register_profile("shared machine", deadline=None)  # how long a case takes is not ours to promise
hypothesis.settings.load_profile("shared machine")


def pytest_configure(config: pytest.Config) -> None:
    """Accounts of tests are many and guard nothing: hashing their passwords well would take minutes."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Thousands of tests stay to the end: looking through them for garbage again and again is a fifth of collecting."""
    gc.enable()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: workers get whole files, and a long one at the end leaves the others idle."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def django_db_setup(request, django_test_environment, django_db_blocker, django_db_modify_db_settings):
    """The databases of this process are copies of ones with the city's tables, where these may be had."""
    from django.db import connections

    with django_db_blocker.unblock():
        if not migrated.copy_to_tests(connections):
            request.getfixturevalue("django_db_setup")  # on a server of somebody's: pytest-django's own
        yield
        for connection in connections.all():
            connection.close()
            if hasattr(connection, "close_pool"):
                connection.close_pool()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with servers.redis() as url:
        yield url


@pytest.fixture(scope="session")
def mosquitto_port() -> Iterator[int]:
    with servers.mosquitto() as port:
        yield port
