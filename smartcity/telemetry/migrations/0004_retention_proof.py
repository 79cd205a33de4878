from django.db import migrations

# A run of retention says all that went, series-days of sealed readings too, and what a legal hold has kept (JSON).


def add(apps, schema_editor):
    is_sqlite = schema_editor.connection.vendor == "sqlite"
    big, text = ("INTEGER", "TEXT") if is_sqlite else ("int8", "text")
    schema_editor.execute(f"ALTER TABLE retention_run ADD COLUMN sealed {big} NOT NULL DEFAULT 0")
    schema_editor.execute(f"ALTER TABLE retention_run ADD COLUMN kept {text} NOT NULL DEFAULT '{{}}'")


def take_away(apps, schema_editor):
    for name in ("sealed", "kept"):
        schema_editor.execute(f"ALTER TABLE retention_run DROP COLUMN {name}")


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0003_quarantine_encrypted")]
    operations = [migrations.RunPython(add, take_away)]
