# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from smartcity import domains


class EnergyConfig(domains.DomainConfig):
    name = "energy"
    label = "energy"
    title = "Energy"
    icon = "bolt"
    order = 40
    shape = "triangle"
