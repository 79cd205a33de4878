# SPDX-License-Identifier: Apache-2.0
"""Alarms and crews for phones, as a process of its own that may stand where strangers reach it (a DMZ)."""
