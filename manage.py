#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Django's command line for the city; `script/server` is what a person types."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    is_mobile = sys.argv[1:2] == ["runmobile"]  # the process for phones knows less than the others
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smartcity.mobile.settings" if is_mobile else "smartcity.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
