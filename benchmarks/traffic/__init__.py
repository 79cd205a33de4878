# SPDX-License-Identifier: Apache-2.0
"""Signals on public networks: the product's planner beside published controllers."""
