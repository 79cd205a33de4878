from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="grant",
            name="action",
            field=models.CharField(
                choices=[
                    ("view", "See assets, readings and forecasts"),
                    ("operate", "Acknowledge alarms, override, approve, change modes, lock out"),
                    ("crew", "Work a round or a ticket on the street"),
                    ("configure", "Devices, engineering data, imports"),
                    ("personal", "See personal data and quarantined payloads"),
                    ("administer", "Lift tags of others"),
                ],
                max_length=20,
            ),
        ),
    ]
