# SPDX-License-Identifier: Apache-2.0
"""What starts the production profile may be told to stop before the city stands."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from smartcity.processes.production import Plan, prepare
from tests.city import alive


def test_what_prepares_is_ended_when_that_is_broken_off(tmp_path: Path):
    (tmp_path / "manage.py").write_text("import os, time; open('begun', 'w').write(str(os.getpid())); time.sleep(60)")
    begun = tmp_path / "begun"

    def between() -> None:
        if begun.exists() and begun.read_text():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(Plan(), os.environ, tmp_path, between)
    assert not alive({int(begun.read_text())})
