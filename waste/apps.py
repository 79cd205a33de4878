# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from smartcity import domains


class WasteConfig(domains.DomainConfig):
    name = "waste"
    label = "waste"
    title = "Waste"
    icon = "waste"
    order = 20
    shape = "square"
