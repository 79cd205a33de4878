from django.db import migrations

# Batches of devices' event logs as they came, keyed by device and the instant of their first event by its own clock.

COLUMNS = """
    device {int8} NOT NULL, first_at {int8} NOT NULL, number {int8} NOT NULL, last_at {int8} NOT NULL,
    events {int8} NOT NULL, received_at {int8} NOT NULL, clock_error_ms {int8} NOT NULL, codec {text} NOT NULL,
    packed {blob} NOT NULL, PRIMARY KEY (device, first_at, number)
"""
SQLITE = {"int8": "INTEGER", "text": "TEXT", "blob": "BLOB"}
POSTGRESQL = {"int8": "int8", "text": "text", "blob": "bytea"}


def create(apps, schema_editor):
    types = SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL
    schema_editor.execute(f"CREATE TABLE event_log ({COLUMNS.format(**types)})")
    schema_editor.execute("CREATE INDEX event_log_by_age ON event_log (first_at)")
    schema_editor.execute(f"ALTER TABLE retention_run ADD COLUMN events {types['int8']} NOT NULL DEFAULT 0")


def drop(apps, schema_editor):
    schema_editor.execute("ALTER TABLE retention_run DROP COLUMN events")
    schema_editor.execute("DROP TABLE event_log")


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0004_retention_proof")]
    operations = [migrations.RunPython(create, drop)]
