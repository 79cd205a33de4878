# SPDX-License-Identifier: Apache-2.0
"""Watering by soil moisture: a small domain with a whole loop, to copy and to change (manage.py startdomain NAME)."""
