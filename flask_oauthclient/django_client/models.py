"""The table of tokens, for Django's migrations.

===============  ==============================================================================
``id``           hash of client, owner and label
``owner``        hash of the owner; all rows of a person have the same
``version``      a number that each writing changes
``sealed``       the token, encrypted
``updated_at``   seconds since the epoch, so that what is old can be deleted
===============  ==============================================================================

Rows are read and written by :class:`.token_store.DjangoTokenStore` alone.
"""

from __future__ import annotations

from django.db import models


class TokenBase(models.Model):
    """The columns, for a model of the application's own::

        class Token(TokenBase):
            pass

        oauth = OAuth(token_store=DjangoTokenStore(model="accounts.Token"))

    The model may have fields of its own; each has a default, or may be null.
    """

    id: models.CharField[str, str] = models.CharField(
        primary_key=True, max_length=64, editable=False
    )
    owner: models.CharField[str, str] = models.CharField(
        max_length=64, db_index=True, editable=False
    )
    version: models.BigIntegerField[int, int] = models.BigIntegerField(editable=False)
    sealed: models.BinaryField[bytes, bytes] = models.BinaryField()
    updated_at: models.BigIntegerField[int, int] = models.BigIntegerField(editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"token {self.id[:8]}"


class StoredToken(TokenBase):
    """The model of applications that have no other."""

    class Meta(TokenBase.Meta):
        # That of the other stores in databases, which can use the same rows.
        db_table = "oauthclient_token"
        verbose_name = "stored token"
        verbose_name_plural = "stored tokens"
