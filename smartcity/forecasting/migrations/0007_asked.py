# SPDX-License-Identifier: Apache-2.0
"""One figure for how wide a band should be, in place of quantiles learnt by day of the horizon."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("forecasting", "0006_aims")]

    operations = [
        migrations.RemoveField(model_name="calibration", name="learnt"),
        migrations.RemoveField(model_name="calibration", name="learnt_blocks"),
        migrations.AddField(
            model_name="calibration",
            name="asked",
            field=models.FloatField(default=1.0, help_text="How much wider the backtest asks the band to be."),
        ),
    ]
