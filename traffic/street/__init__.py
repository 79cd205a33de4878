# SPDX-License-Identifier: Apache-2.0
"""The simulated street: SUMO on the city's own map, in a process of its own (`python -m traffic.street`).

Only `sumo.py` imports libsumo; nothing here imports Django.
"""
