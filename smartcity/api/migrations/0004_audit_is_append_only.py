# SPDX-License-Identifier: Apache-2.0
"""The database itself refuses to change an audit entry, and PostgreSQL to delete one.

A later migration that makes the table anew on SQLite (any change of a column) has to set the trigger again.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations

REFUSAL = "the audit is append-only"
SQLITE = f"""
CREATE TRIGGER api_auditentry_stands BEFORE UPDATE ON api_auditentry
BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END
"""
POSTGRESQL = f"""
CREATE FUNCTION api_auditentry_stands() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$;
CREATE TRIGGER api_auditentry_stands BEFORE UPDATE OR DELETE ON api_auditentry
FOR EACH ROW EXECUTE FUNCTION api_auditentry_stands()
"""


def guard(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE)


def lift(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP TRIGGER api_auditentry_stands ON api_auditentry")
        schema_editor.execute("DROP FUNCTION api_auditentry_stands()")
    else:
        schema_editor.execute("DROP TRIGGER api_auditentry_stands")


class Migration(migrations.Migration):
    dependencies = [("api", "0003_quarantine_and_hold")]
    operations = [migrations.RunPython(guard, lift)]
