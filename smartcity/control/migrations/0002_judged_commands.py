from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("control", "0001_initial"),
        ("devices", "0001_initial"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="command",
            index=models.Index(fields=["state", "ended_at"], name="control_com_state_6ba39e_idx"),
        ),
    ]
