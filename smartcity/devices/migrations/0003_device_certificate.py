from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("devices", "0002_legal_hold"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeviceCertificate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.CharField(db_index=True, max_length=64)),
                ("serial", models.CharField(help_text="Hexadecimal.", max_length=40, unique=True)),
                (
                    "fingerprint",
                    models.CharField(help_text="SHA-256 of the DER form, hexadecimal.", max_length=64, unique=True),
                ),
                ("issued_at", models.DateTimeField(auto_now_add=True)),
                ("issued_by", models.CharField(max_length=150)),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
    ]
