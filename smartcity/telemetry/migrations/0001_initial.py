from __future__ import annotations

from django.db import migrations

# Instants are integer milliseconds since 1970 (UTC), days of delay integer seconds. The same names on both engines;
# SQLite keeps the hot tables WITHOUT ROWID, PostgreSQL keeps readings in daily partitions.

READING = """
    at {int8} NOT NULL, series {int4} NOT NULL, value {float8} NOT NULL,
    quality {int2} NOT NULL, delay_s {int4} NOT NULL, PRIMARY KEY (at, series)
"""
ROLLUP = """
    bucket {int8} NOT NULL, series {int4} NOT NULL, n {int4} NOT NULL DEFAULT 1, n_good {int4} NOT NULL DEFAULT 1,
    total {float8} NOT NULL, low {float8}, high {float8}, last {float8}, PRIMARY KEY (bucket, series)
"""
TABLES = {
    "latest": """
        series {int4} PRIMARY KEY, at {int8} NOT NULL, value {float8} NOT NULL, quality {int2} NOT NULL,
        received_at {int8} NOT NULL
    """,
    "last_seen": "device {int8} PRIMARY KEY, at {int8} NOT NULL",
    "rollup_15m": ROLLUP,
    "rollup_1h": ROLLUP,
    "rollup_1d": ROLLUP,
    "dirty": "grain {text} NOT NULL, bucket {int8} NOT NULL, series {int4} NOT NULL, PRIMARY KEY (grain, bucket, series)",
    "tally": "run {text} NOT NULL, name {text} NOT NULL, n {int8} NOT NULL, PRIMARY KEY (run, name)",
    "watermark": "name {text} PRIMARY KEY, at {int8} NOT NULL",
}
NUMBERED = {
    "quarantine": """
        device {int8}, uid {text} NOT NULL, received_at {int8} NOT NULL, transport {text} NOT NULL, codec {text} NOT NULL,
        kind {text} NOT NULL, reason {text} NOT NULL, readings {int4} NOT NULL, surplus {int8} NOT NULL DEFAULT 0,
        payload {blob} NOT NULL
    """,
    "retention_run": """
        at {int8} NOT NULL, finished_at {int8} NOT NULL, readings {int8} NOT NULL, rollups {int8} NOT NULL,
        quarantined {int8} NOT NULL, partitions {text} NOT NULL
    """,
}
SQLITE = dict.fromkeys(("int2", "int4", "int8"), "INTEGER") | {"float8": "REAL", "text": "TEXT", "blob": "BLOB"}
POSTGRESQL = {name: name for name in ("int2", "int4", "int8", "float8", "text")} | {"blob": "bytea"}


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        create_on_sqlite(schema_editor)
    else:
        create_on_postgresql(schema_editor)


def create_on_sqlite(editor):
    for name, columns in {"reading": READING, **TABLES}.items():
        editor.execute(f"CREATE TABLE {name} ({columns.format(**SQLITE)}) WITHOUT ROWID")
    for name, columns in NUMBERED.items():
        editor.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY AUTOINCREMENT, {columns.format(**SQLITE)})")
    editor.execute("CREATE INDEX quarantine_by_device ON quarantine (device, kind)")


def create_on_postgresql(editor):
    editor.execute(f"CREATE TABLE reading ({READING.format(**POSTGRESQL)}) PARTITION BY RANGE (at)")
    editor.execute("CREATE TABLE reading_strays PARTITION OF reading DEFAULT")
    for name, columns in TABLES.items():
        editor.execute(f"CREATE TABLE {name} ({columns.format(**POSTGRESQL)})")
    for name, columns in NUMBERED.items():
        numbered = "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
        editor.execute(f"CREATE TABLE {name} ({numbered}, {columns.format(**POSTGRESQL)})")
    editor.execute("CREATE INDEX quarantine_by_device ON quarantine (device, kind)")


def drop(apps, schema_editor):
    for name in ("reading", *TABLES, *NUMBERED):
        schema_editor.execute(f"DROP TABLE {name}")


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [migrations.RunPython(create, drop)]
