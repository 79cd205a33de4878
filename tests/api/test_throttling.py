# SPDX-License-Identifier: Apache-2.0
"""Requests are counted, whether Redis answers or not."""

from __future__ import annotations

import time

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.test import RequestFactory

from smartcity.api import throttling
from smartcity.api.throttling import PerUser
from tests.servers import free_port


@pytest.fixture
def throttle(monkeypatch):
    monkeypatch.setattr(PerUser, "_alone_until", 0.0)
    monkeypatch.setattr(PerUser, "rate", "2/min", raising=False)
    caches["here"].clear()
    return PerUser


def request():
    made = RequestFactory().get("/api/v1/")
    made.user = User(pk=7, username="anna")
    return made


def allowed(throttle, times):
    return [throttle().allow_request(request(), None) for _ in range(times)]


def test_beyond_its_budget_an_account_must_wait(throttle):
    assert allowed(throttle, 3) == [True, True, False]


def test_without_redis_the_process_counts_alone_and_waits_for_it_once(throttle, settings, monkeypatch):
    away = {**settings.SHARED, "LOCATION": f"redis://127.0.0.1:{free_port()}/0"}
    settings.CACHES = {"default": away, "here": settings.HERE}
    monkeypatch.setattr(PerUser, "cache", caches["default"])
    began = time.monotonic()
    assert allowed(throttle, 3) == [True, True, False]
    assert time.monotonic() - began < 3
    assert PerUser._alone_until > time.monotonic()


def test_after_some_seconds_redis_is_asked_again(throttle, redis_url, settings, monkeypatch):
    settings.CACHES = {"default": {**settings.SHARED, "LOCATION": redis_url}, "here": settings.HERE}
    monkeypatch.setattr(PerUser, "cache", caches["default"])
    monkeypatch.setattr(PerUser, "_alone_until", time.monotonic() - throttling.ALONE_S)
    assert allowed(throttle, 3) == [True, True, False]
    assert not caches["here"].has_key("throttle_user_7")
