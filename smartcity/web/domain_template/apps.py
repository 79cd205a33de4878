# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from smartcity import domains


class NewdomainConfig(domains.DomainConfig):
    name = "newdomain"
    label = "newdomain"
    verbose_name = "Newdomain"
    title = "Newdomain"
    icon = "dot"
    order = 90
    shape = "square"
