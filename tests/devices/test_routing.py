# SPDX-License-Identifier: Apache-2.0
"""Each app's tables lie in one database; that the others know its migrations too costs next to nothing."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.migration import Migration

from smartcity.devices.routing import HOMES

pytestmark = [
    pytest.mark.both_engines,
    pytest.mark.django_db(databases=["default", "telemetry", "tasks"], transaction=True),
]


@pytest.mark.parametrize("alias", ["default", "telemetry", "tasks"])
def test_every_database_is_told_of_every_migration(alias):
    executor = MigrationExecutor(connections[alias])
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
    call_command("migrate", database=alias, check_unapplied=True, verbosity=0)


@pytest.mark.parametrize("alias", ["telemetry", "tasks"])
def test_a_database_has_the_tables_of_its_own_apps_only(alias):
    own = {"telemetry": {"reading", "sealed", "latest", "quarantine"}, "tasks": {"django_tasks_database_dbtaskresult"}}
    with connections[alias].cursor() as cursor:
        names = set(connections[alias].introspection.table_names(cursor))
    assert own[alias] <= names
    assert not {name for name in names if name.startswith(("devices_", "auth_", "control_", "waste_", "api_"))}


@pytest.mark.parametrize("alias", ["telemetry", "tasks"])
def test_only_the_migrations_of_its_own_apps_are_played_through(alias, monkeypatch):
    """Three seconds for each database otherwise, in every first start of a city."""
    [app] = {label for label, home in HOMES.items() if home == alias} & {
        key[0] for key in MigrationExecutor(connections[alias]).loader.graph.nodes
    }
    played, apply = set[str](), Migration.apply

    def noted(migration, state, *more, **given):
        played.add(migration.app_label)
        return apply(migration, state, *more, **given)

    monkeypatch.setattr(Migration, "apply", noted)
    with connections[alias].cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app <> %s", [app])
    call_command("migrate", database=alias, verbosity=0)
    assert played == set()
    test_every_database_is_told_of_every_migration(alias)


def test_what_is_asked_for_by_name_is_done_as_django_does_it():
    said = io.StringIO()
    call_command("migrate", "devices", database="telemetry", stdout=said)
    assert "Target" in said.getvalue() or "devices" in said.getvalue()
    call_command("migrate", database="telemetry", plan=True, stdout=said)
    assert "No planned migration operations." in said.getvalue()
