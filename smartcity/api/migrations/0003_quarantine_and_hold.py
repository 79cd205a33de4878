from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0002_what_administer_means"),
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
                    ("personal", "See personal data, and what is in quarantine and why"),
                    ("quarantine", "Read the bodies of quarantined messages"),
                    ("hold", "Set and lift legal holds"),
                    ("administer", "Lift tags of others"),
                ],
                max_length=20,
            ),
        ),
    ]
