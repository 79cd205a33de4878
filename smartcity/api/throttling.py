# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from rest_framework.throttling import UserRateThrottle


class PerUser(UserRateThrottle):
    """One budget per user, whichever key or session is used."""

    scope = "user"
