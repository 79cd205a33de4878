# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from smartcity import domains


class TrafficConfig(domains.DomainConfig):
    name = "traffic"
    label = "traffic"
    verbose_name = "Traffic"
    title = "Traffic"
    icon = "signal"
    order = 10
    shape = "diamond"
