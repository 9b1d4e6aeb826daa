"""The project that all processes run, with its tokens in a database."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from contextlib import nullcontext
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import connections
from django.db import transaction
from django.http import HttpRequest
from django.test import RequestFactory

from flask_oauthclient.django_client import DjangoTokenStore
from flask_oauthclient.django_client import OAuth
from tests.django_client.tokens._databases import known

KEYS = ["the only key of these tests"]


def make_request(owner: str) -> HttpRequest:
    """A request of somebody."""
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    vars(request)["owner"] = owner
    return request


class DjangoSite:
    """A project whose requests are about whom it is told.

    :param place: ``database``, an entry of ``DATABASES``; ``is_atomic``: each request is in a
        transaction, and is undone.
    :param client: keywords of the registration.
    :param compliance_fix: of the registration.
    """

    def __init__(
        self,
        place: dict[str, Any],
        client: dict[str, Any],
        compliance_fix: Callable[[Any], None] | None = None,
    ) -> None:
        self.stack = ExitStack()
        self._alias = self.stack.enter_context(known(place["database"]))
        self._is_atomic = place.get("is_atomic", False)
        store = DjangoTokenStore(self._alias, keys=KEYS)
        self.stack.callback(store.close)
        self.oauth = OAuth(token_store=store, token_owner=lambda request: request.owner)
        more: dict[str, Any] = {} if compliance_fix is None else {"compliance_fix": compliance_fix}
        self.oauth.register("demo", **client, **more)

    def call(self, owner: str, path: str = "me", **headers: str) -> Any:
        """Call the API in somebody's request."""
        around = transaction.atomic(using=self._alias) if self._is_atomic else nullcontext()
        try:
            with around:
                answer = self.oauth.demo.get(
                    path, request=make_request(owner), headers=headers, timeout=30
                )
                if self._is_atomic:
                    transaction.set_rollback(True, using=self._alias)
        finally:
            connections[self._alias].close()
        return answer

    def keep(self, owner: str, token: dict[str, Any]) -> None:
        """Put a token into the store."""
        self.oauth.demo.for_account(owner=owner).save_token(token)

    def refresh(self, owner: str) -> Any:
        """Replace a token, whether its time is up or not."""
        return self.oauth.demo.for_account(owner=owner).refresh_token()
