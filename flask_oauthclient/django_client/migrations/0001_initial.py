"""The table of tokens."""

from __future__ import annotations

from django.db import migrations
from django.db import models


class Migration(migrations.Migration):
    """Make it."""

    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="StoredToken",
            fields=[
                (
                    "id",
                    models.CharField(
                        editable=False, max_length=64, primary_key=True, serialize=False
                    ),
                ),
                ("owner", models.CharField(db_index=True, editable=False, max_length=64)),
                ("version", models.BigIntegerField(editable=False)),
                ("sealed", models.BinaryField()),
                ("updated_at", models.BigIntegerField(editable=False)),
            ],
            options={
                "verbose_name": "stored token",
                "verbose_name_plural": "stored tokens",
                "db_table": "oauthclient_token",
            },
        ),
    )
