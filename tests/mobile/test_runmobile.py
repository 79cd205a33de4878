# SPDX-License-Identifier: Apache-2.0
"""When `manage.py runmobile` refuses to start, and what it says then."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"SMARTCITY_MOBILE_SECRET_KEY": ""}, "name its file in SMARTCITY_MOBILE_SECRET_KEY_FILE"),
        ({"DJANGO_SETTINGS_MODULE": "smartcity.settings"}, "unset DJANGO_SETTINGS_MODULE"),
    ],
)
def test_it_does_not_start_with_the_citys_key_or_settings(tmp_path, given, said):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
    environment = inherited | {"SMARTCITY_VAR": str(tmp_path), "SMARTCITY_MOBILE_SECRET_KEY": "x"} | given
    command = [sys.executable, "manage.py", "runmobile"]
    refused = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1 and said in refused.stderr
    assert len(refused.stderr.splitlines()) == 1, refused.stderr
