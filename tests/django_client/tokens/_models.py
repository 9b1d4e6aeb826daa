"""Models of applications that have their own."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower

from flask_oauthclient.django_client.models import TokenBase


class NotedToken(TokenBase):
    """With fields that fill themselves."""

    note = models.CharField(max_length=20, default="new")
    state = models.CharField(max_length=20, db_default="kept")
    small_note = models.GeneratedField(
        expression=Lower("note"), output_field=models.CharField(max_length=20), db_persist=True
    )
    made_at = models.DateTimeField(auto_now_add=True)
    kind = models.CharField(max_length=20, null=True, db_column="Kind of token")

    class Meta(TokenBase.Meta):
        app_label = "of_tests"
        db_table = "Noted tokens"


class DemandingToken(TokenBase):
    """With a field that nobody fills."""

    kind = models.IntegerField()

    class Meta(TokenBase.Meta):
        app_label = "of_tests"
