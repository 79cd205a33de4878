from django.db import migrations

# `payload` becomes what the city's key makes of a body; rows from before (encrypted 0) are made so by the next upkeep,
# because whoever migrates need not hold the key. `size` is that of the body, also of one that was not kept.


def add(apps, schema_editor):
    is_sqlite = schema_editor.connection.vendor == "sqlite"
    big, small, text = ("INTEGER", "INTEGER", "TEXT") if is_sqlite else ("int8", "int2", "text")
    schema_editor.execute(f"ALTER TABLE quarantine ADD COLUMN size {big} NOT NULL DEFAULT 0")
    schema_editor.execute(f"ALTER TABLE quarantine ADD COLUMN digest {text} NOT NULL DEFAULT ''")
    schema_editor.execute(f"ALTER TABLE quarantine ADD COLUMN encrypted {small} NOT NULL DEFAULT 0")
    schema_editor.execute("UPDATE quarantine SET size = length(payload)")


def take_away(apps, schema_editor):
    """Bodies that only the key can open are lost on the way back; that they were there is not."""
    for name in ("size", "digest", "encrypted"):
        schema_editor.execute(f"ALTER TABLE quarantine DROP COLUMN {name}")


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0002_sealed")]
    operations = [migrations.RunPython(add, take_away)]
