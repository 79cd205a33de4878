# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tests.transports.street import open_street


@pytest.fixture
async def street():
    async with open_street() as street:
        yield street


@pytest.fixture
async def busy_street(street):
    """A street whose pipeline stores everything at once."""
    street.run_pipeline()
    return street
