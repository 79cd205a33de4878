# SPDX-License-Identifier: Apache-2.0
"""How many requests an account may make, counted by all processes together, or by each while Redis does not answer."""

from __future__ import annotations

import logging
from time import monotonic
from typing import Any, ClassVar

from django.core.cache import caches
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import UserRateThrottle

log = logging.getLogger(__name__)

ALONE_S = 10.0


class PerUser(UserRateThrottle):
    """One budget per user, whichever key or session is used. Without Redis each process counts for itself, and asks
    again after some seconds, so that a request waits for it only now and then."""

    scope = "user"
    _alone_until: ClassVar[float] = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        if monotonic() >= PerUser._alone_until:
            try:
                return bool(super().allow_request(request, view))
            except (RedisError, OSError) as problem:
                log.warning("requests are counted by each process alone, Redis does not answer: %s", problem)
                PerUser._alone_until = monotonic() + ALONE_S
        self.cache = caches["here"]
        return bool(super().allow_request(request, view))
