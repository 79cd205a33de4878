# SPDX-License-Identifier: Apache-2.0
"""One row and one line for each change, and no way to take either back."""

from __future__ import annotations

import json

import pytest
from django.db import DatabaseError, connection, transaction

from smartcity.api.audit import Actor, record
from smartcity.api.models import AuditEntry

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]
ANNA = Actor("anna", "192.0.2.7", "4f3a")


def change():
    return record(ANNA, "override.place", "L-1 dim_level", before={"value": 40}, after={"value": 90}, reason="accident")


def test_a_change_is_a_row_and_once_committed_the_same_as_a_line(capsys, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        entry = change()
        assert capsys.readouterr().out == ""
    line = json.loads(capsys.readouterr().out)
    assert line["audit"] == entry.pk and line["who"] == "anna" and line["from"] == "192.0.2.7"
    assert (line["before"], line["after"], line["reason"]) == ({"value": 40}, {"value": 90}, "accident")
    assert line["request_id"] == "4f3a"


def test_what_is_undone_leaves_neither(capsys, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True), pytest.raises(ZeroDivisionError), transaction.atomic():
        change()
        raise ZeroDivisionError
    assert not AuditEntry.objects.exists() and capsys.readouterr().out == ""


@pytest.mark.parametrize("how", ["save", "update", "sql"])
def test_the_database_refuses_to_change_an_entry(how):
    entry = change()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        if how == "save":
            entry.who = "nobody"
            entry.save()
        elif how == "update":
            AuditEntry.objects.filter(pk=entry.pk).update(reason="")
        else:
            with connection.cursor() as cursor:
                cursor.execute("UPDATE api_auditentry SET who = 'nobody'")
    assert AuditEntry.objects.get().who == "anna"


def test_nothing_here_deletes_them_and_on_postgresql_nothing_can():
    change()
    with pytest.raises(PermissionError):
        AuditEntry.objects.all().delete()
    if connection.vendor == "postgresql":
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM api_auditentry")
    assert AuditEntry.objects.count() == 1
