import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("devices", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Bed",
            fields=[
                (
                    "asset_ptr",
                    models.OneToOneField(
                        auto_created=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        serialize=False,
                        to="devices.asset",
                    ),
                ),
                ("area_m2", models.FloatField(default=500.0)),
                ("flow_l_min", models.FloatField(default=40.0, help_text="Litres a minute with the valve fully open.")),
            ],
            bases=("devices.asset",),
        ),
    ]
