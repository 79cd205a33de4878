# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from django.test import Client

from smartcity import vitals

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(admin_user):
    made = Client(raise_request_exception=False)
    made.force_login(admin_user)
    return made


def test_an_address_of_the_interface_that_is_not_there_is_a_problem_in_rfc_9457(browser):
    answer = browser.get("/api/v1/no-such-thing/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    told = answer.json()
    assert told["status"] == 404 and told["title"] == "Not Found" and told["request_id"] == answer["X-Request-Id"]


def test_so_is_what_breaks_and_nothing_of_the_reason_leaves(browser, monkeypatch):
    def breaks():
        raise RuntimeError("secret-host:5432")

    monkeypatch.setattr(vitals, "gather", breaks)
    answer = browser.get("/api/v1/health")
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert "secret" not in answer.content.decode() and answer.json()["request_id"]


def test_people_get_a_page(browser):
    answer = browser.get("/no-such-page/")
    assert answer.status_code == 404 and answer["Content-Type"].startswith("text/html")
