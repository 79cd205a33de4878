# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tests.transports.coap.street import open_quay


@pytest.fixture
async def quay(tmp_path):
    async with open_quay(tmp_path) as quay:
        yield quay


@pytest.fixture
async def busy_quay(quay):
    """A door behind which everything is stored at once."""
    quay.run_pipeline()
    return quay
