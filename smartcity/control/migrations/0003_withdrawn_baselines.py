from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("control", "0002_judged_commands"),
    ]

    operations = [
        migrations.AddField(
            model_name="baseline",
            name="withdrawn_at",
            field=models.DateTimeField(help_text="Nothing is compared with it from then on.", null=True),
        ),
        migrations.AddField(
            model_name="baseline",
            name="withdrawn_by",
            field=models.CharField(blank=True, default="", max_length=150),
            preserve_default=False,
        ),
    ]
