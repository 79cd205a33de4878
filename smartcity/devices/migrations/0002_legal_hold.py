from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("devices", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="LegalHold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("owner", models.CharField(help_text="Who asked for it and answers for it.", max_length=150)),
                ("reason", models.CharField(max_length=500)),
                ("domain", models.CharField(blank=True, max_length=40)),
                ("zone", models.CharField(blank=True, help_text="Zone code; empty means every zone.", max_length=40)),
                ("series", models.JSONField(blank=True, default=list, help_text="Ids; empty means all.")),
                ("from_at", models.DateTimeField()),
                ("to_at", models.DateTimeField(blank=True, help_text="Empty means until it is lifted.", null=True)),
                ("since", models.DateTimeField(auto_now_add=True)),
                ("set_by", models.CharField(max_length=150)),
                ("lifted_at", models.DateTimeField(blank=True, null=True)),
                ("lifted_by", models.CharField(blank=True, max_length=150)),
                ("lifted_because", models.CharField(blank=True, max_length=500)),
            ],
        ),
    ]
