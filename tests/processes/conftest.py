# SPDX-License-Identifier: Apache-2.0
"""One city of several processes for the tests of this folder: two ingesters, two that decide, one web process."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.apart import Apart, apart, start_all

DEVICES = 12


@pytest.fixture(scope="package")
def city() -> Iterator[Apart]:
    with apart() as made:
        said = made.run("-m", "benchmarks.chaos.provision", str(DEVICES), "0", "luminaire")
        made.password = said.partition("password")[2].split()[0]
        start_all(made, ("ingest", "ingest", "control", "control", "web"))
        yield made
        made.stop()


@pytest.fixture(scope="package")
def anna(city: Apart) -> Iterator[httpx.Client]:
    with city.page().sign_in("admin", city.password) as browser:
        yield browser
