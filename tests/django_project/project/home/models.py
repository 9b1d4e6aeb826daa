"""Who signs in."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Account(models.Model):
    """What a user signs in with: issuer and subject together, and nothing else."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)

    class Meta:
        """Nobody else has the same two."""

        constraints = (
            models.UniqueConstraint(fields=["issuer", "subject"], name="one_user_per_account"),
        )

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"
