# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from smartcity import domains


class LightingConfig(domains.DomainConfig):
    name = "lighting"
    label = "lighting"
    title = "Lighting"
    icon = "lamp"
    order = 30
    shape = "dot"
