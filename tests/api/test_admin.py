# SPDX-License-Identifier: Apache-2.0
"""The pages on which a superuser gives people access and other systems keys; every change leaves its audit entry."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from rest_framework.test import APIClient

from smartcity.api.access import Action, scope
from smartcity.api.models import ApiToken, AuditEntry, Grant

pytestmark = pytest.mark.django_db
PASSWORD = "only-in-this-test-9"


@pytest.fixture
def boss(client):
    user = get_user_model()._default_manager.create_superuser("boss", "", PASSWORD)
    client.force_login(user)
    return user


@pytest.fixture
def anna():
    return get_user_model()._default_manager.create_user("anna", "", PASSWORD)


def grants_form(*grants, had=0):
    """What the inline of grants posts."""
    form = {"grants-TOTAL_FORMS": len(grants), "grants-INITIAL_FORMS": had, "grants-MIN_NUM_FORMS": 0}
    for number, grant in enumerate(grants):
        form |= {f"grants-{number}-{name}": value for name, value in grant.items()}
    return form


def entries():
    return list(AuditEntry.objects.order_by("pk").values_list("who", "action", "subject"))


def test_an_account_is_made_and_given_what_it_may_do(client, boss):
    made = {"username": "anna", "password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    assert client.post("/admin/auth/user/add/", made).status_code == 302
    anna = get_user_model()._default_manager.get(username="anna")
    form = {"username": "anna", "is_active": "on", "date_joined_0": "2026-01-01", "date_joined_1": "10:00:00"}
    grants = grants_form({"action": "operate", "domain": "lighting", "zone": "centre", "user": anna.pk})
    answer = client.post(f"/admin/auth/user/{anna.pk}/change/", form | grants)
    assert answer.status_code == 302, answer.context["errors"]
    assert scope(anna, Action.OPERATE).pairs == {("lighting", "centre")}
    assert scope(anna, Action.VIEW).is_empty
    assert [entry[:2] for entry in entries()] == [("boss", "user added"), ("boss", "user changed")]
    changed = AuditEntry.objects.latest("pk")
    assert (changed.before["grants"], changed.after["grants"]) == ([], ["operate lighting centre"])
    assert PASSWORD not in str(changed.after) and "password" not in changed.after


def test_a_group_carries_grants_for_its_members(client, boss, anna):
    form = {"name": "night shift"} | grants_form({"action": "view", "domain": "", "zone": "", "user": ""})
    assert client.post("/admin/auth/group/add/", form).status_code == 302
    anna.groups.add(Grant.objects.get().group)
    assert scope(anna, Action.VIEW).allows("traffic", "anywhere")


def test_a_domain_that_is_not_there_cannot_be_granted(client, boss, anna):
    form = {"username": "anna", "is_active": "on", "date_joined_0": "2026-01-01", "date_joined_1": "10:00:00"}
    grants = grants_form({"action": "view", "domain": "weather", "zone": "", "user": anna.pk})
    assert client.post(f"/admin/auth/user/{anna.pk}/change/", form | grants).status_code == 200
    assert not Grant.objects.exists()


def test_a_key_is_shown_once_opens_the_interface_and_is_revoked(client, boss):
    watcher = get_user_model()._default_manager.create_user("prometheus")
    Grant.objects.create(user=watcher, action="view")
    page = client.post("/admin/api/apitoken/add/", {"user": watcher.pk, "name": "monitoring"}, follow=True)
    (key,) = set(re.findall(r"[0-9a-f]{64}", page.content.decode()))
    assert key not in client.get("/admin/api/apitoken/").content.decode()
    outside = APIClient()
    outside.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    assert outside.get("/api/v1/metrics").status_code == 200
    chosen = {"action": "revoke", "_selected_action": [ApiToken.objects.get().pk]}
    client.post("/admin/api/apitoken/", chosen)
    assert outside.get("/api/v1/metrics").status_code == 401
    assert [action for _, action, _ in entries()] == ["api token added", "api token revoked"]


@pytest.mark.parametrize("page", ["auth/user/", "auth/group/", "api/apitoken/", "api/auditentry/"])
def test_nobody_but_a_superuser_reaches_these_pages(client, anna, page):
    client.force_login(anna)
    assert client.get(f"/admin/{page}").status_code == 302
    anna.is_staff = True
    anna.save()
    anna.user_permissions.set(Permission.objects.all())
    assert client.get(f"/admin/{page}").status_code == 302


def test_the_audit_can_be_read_and_searched_and_never_changed(client, boss):
    entry = AuditEntry.objects.create(who="anna", action="mode.set", subject="lighting in centre")
    assert "lighting in centre" in client.get("/admin/api/auditentry/?q=lighting").content.decode()
    assert client.get(f"/admin/api/auditentry/{entry.pk}/change/").status_code == 200
    assert client.post(f"/admin/api/auditentry/{entry.pk}/change/", {"who": "nobody"}).status_code == 403
    assert client.post(f"/admin/api/auditentry/{entry.pk}/delete/", {"post": "yes"}).status_code == 403


def test_what_is_done_to_several_at_once_is_done_and_written_down_or_neither(client, boss, anna, monkeypatch):
    def fails(self, request, queryset):
        queryset.delete()
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("smartcity.api.admin.Accounts.delete_queryset", fails)
    chosen = {"action": "delete_selected", "_selected_action": [anna.pk], "post": "yes"}
    with pytest.raises(RuntimeError):
        client.post("/admin/auth/user/", chosen)
    assert get_user_model()._default_manager.filter(username="anna").exists() and entries() == []


def test_who_goes_is_written_down(client, boss, anna):
    assert client.post(f"/admin/auth/user/{anna.pk}/delete/", {"post": "yes"}).status_code == 302
    assert entries() == [("boss", "user removed", "anna")]
