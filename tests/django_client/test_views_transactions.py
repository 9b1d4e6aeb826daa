"""Our views under ``ATOMIC_REQUESTS``: a failure undoes what the project did, and no token."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.db import connections
from django.http import HttpRequest

from flask_oauthclient import TokenKey
from flask_oauthclient.django_client import DjangoTokenStore
from flask_oauthclient.django_client import OAuthError

from ._views_site import Make
from ._views_site import user_of


@pytest.fixture(autouse=True)
def _atomic_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)


def test_a_login_stores_its_token_in_the_same_database(make_views_site: Make) -> None:
    store = DjangoTokenStore()
    atomic: list[bool] = []

    def on_login(request: HttpRequest, result: Any) -> Any:
        atomic.append(connection.in_atomic_block)
        return user_of(request, result)

    site = make_views_site(on_login=on_login, registry={"token_store": store})
    site.sign_in(next="/who")

    user = get_user_model().objects.get()
    assert atomic == [True]
    assert site.who()["user"] == user.pk
    assert store.delete(TokenKey("demo", str(user.pk)))


def test_what_on_login_did_before_it_refused_is_undone(make_views_site: Make) -> None:
    def on_login(request: HttpRequest, result: Any) -> Any:
        user_of(request, result)
        raise OAuthError("not_invited", "Nobody knows you.")

    site = make_views_site(on_login=on_login)
    page = site.sign_in()

    assert page.status == 403
    assert not get_user_model().objects.exists()
