from __future__ import annotations

from django.db import migrations

# A row is one series on one UTC day, packed (telemetry/packing.py). Rows are added a day at a time, so the table is kept
# in that order and looked up by series.


def create(apps, schema_editor):
    is_sqlite = schema_editor.connection.vendor == "sqlite"
    small, big, blob = ("INTEGER", "INTEGER", "BLOB") if is_sqlite else ("int4", "int8", "bytea")
    schema_editor.execute(
        f"CREATE TABLE sealed (series {big} NOT NULL, day {small} NOT NULL, n {small} NOT NULL, "
        f"packed {blob} NOT NULL, PRIMARY KEY (series, day))"
    )
    schema_editor.execute("CREATE INDEX sealed_by_day ON sealed (day)")


def drop(apps, schema_editor):
    schema_editor.execute("DROP TABLE sealed")


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
