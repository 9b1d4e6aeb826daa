"""Stored tokens that are given up: by a sign-out, an unlinking, or because somebody leaves."""

from __future__ import annotations

from typing import Any

import pytest
from flask import redirect

from flask_oauthclient import TokenKey
from flask_oauthclient.storage.tokens.memory import MemoryRows
from flask_oauthclient.storage.tokens.rows import Row
from flask_oauthclient.storage.tokens.store import SealedTokenStore

from ._token_site import MakeTokenSite
from ._token_site import TokenSite


def test_token_stays_at_sign_out_and_keeps_working(tokens: TokenSite) -> None:
    tokens.sign_out()
    assert tokens.who() == {}
    assert tokens.provider.log.count("revocation") == 0
    with tokens.app.app_context():
        client = tokens.oauth.demo.for_account(owner=tokens.key.owner)
        assert client.get("me").json()["sub"] == "alice"


def test_token_goes_at_sign_out_if_the_application_says_so(make_token_site: MakeTokenSite) -> None:
    site = make_token_site(forget_tokens=True)
    site.sign_in()
    token = site.store.get(site.key)
    site.sign_out()
    assert site.store.get(site.key) is None
    assert site.provider.grants.find_refresh(token["refresh_token"]) is None


def test_all_tokens_go_at_sign_out_whatever_they_are(make_token_site: MakeTokenSite) -> None:
    site = make_token_site(forget_tokens=True)
    site.sign_in()
    owner = site.key.owner
    site.store.put(TokenKey("gone", owner), {"access_token": "of a client that was"})
    rows = site.store._rows._rows
    unreadable = TokenKey("demo", owner, "work")
    rows.write(unreadable.row_id, unreadable.owner_id, Row(1, b"sealed with a lost key"))
    site.sign_out()
    assert list(rows.every()) == []


@pytest.fixture
def linked(make_token_site: MakeTokenSite) -> TokenSite:
    """A site with two accounts of person 42, ``""`` and ``work``."""
    site = make_token_site(on_login=lambda result: 42)
    site.sign_in()
    token = site.store.get(TokenKey("demo", "42"))
    site.store.put(TokenKey("demo", "42", "work"), {**token, "access_token": "at work"})
    site.store.put(TokenKey("other", "42"), {"access_token": "of another client"})
    return site


def test_unlinking_forgets_and_revokes_all_accounts_of_the_client(linked: TokenSite) -> None:
    token = linked.store.get(TokenKey("demo", "42"))
    linked.press("/auth/unlink/demo")
    assert linked.store.list("42") == [TokenKey("other", "42")]
    assert linked.provider.grants.find_refresh(token["refresh_token"]) is None


def test_unlinking_may_name_one_account(linked: TokenSite) -> None:
    linked.press("/auth/unlink/demo", label="work")
    assert linked.store.list("42") == [TokenKey("demo", "42"), TokenKey("other", "42")]


def test_application_that_says_no_to_unlinking_keeps_the_token(
    make_token_site: MakeTokenSite,
) -> None:
    site = make_token_site(on_unlink=lambda name, identity: redirect("/who"))
    site.sign_in()
    site.press("/auth/unlink/demo")
    assert site.store.get(site.key) is not None


def test_forgetting_a_person_revokes_all_of_their_tokens(tokens: TokenSite) -> None:  # ST09
    token = tokens.store.get(tokens.key)
    tokens.store.put(tokens.key._replace(label="work"), {"access_token": "other"})
    tokens.store.put(TokenKey("gone", tokens.key.owner), {"access_token": "of a client of old"})
    with tokens.app.app_context():
        assert tokens.oauth.forget_tokens(tokens.key.owner) == 3
    assert tokens.store.list(tokens.key.owner) == []
    assert tokens.provider.grants.find_refresh(token["refresh_token"]) is None


def test_rest_of_a_request_has_no_token_that_was_forgotten(tokens: TokenSite) -> None:
    with tokens.app.test_request_context():
        client = tokens.oauth.demo.for_account(owner=tokens.key.owner)
        assert client.token is not None
        assert client.forget_token()
        assert client.token is None


def test_provider_that_is_down_keeps_no_token_alive_here(tokens: TokenSite) -> None:
    tokens.provider.faults.on("revocation").status(503)
    with tokens.app.app_context():
        assert tokens.oauth.demo.for_account(owner=tokens.key.owner).forget_token()
    assert tokens.store.get(tokens.key) is None


def test_refresh_that_a_sign_out_overtakes_leaves_nothing_valid(tokens: TokenSite) -> None:
    rows, write = tokens.store._rows._rows, tokens.store._rows._rows.write

    def overtaken(*args: Any, **kwargs: Any) -> bool:
        rows.write = write
        with tokens.app.app_context():
            assert tokens.oauth.demo.for_account(owner=tokens.key.owner).forget_token()
        return write(*args, **kwargs)

    tokens.change(expires_at=1)
    rows.write = overtaken
    assert tokens.as_script("/me").status_code == 401
    assert tokens.store.get(tokens.key) is None
    find = tokens.provider.grants.find_refresh
    assert [secret for secret in tokens.provider.secrets if find(secret)] == []


def test_forgetting_a_person_takes_what_no_key_opens(make_token_site: MakeTokenSite) -> None:
    rows = MemoryRows()
    SealedTokenStore(rows, ["k" * 32]).put(TokenKey("demo", "7"), {"access_token": "x"})
    site = make_token_site(registry={"token_store": SealedTokenStore(rows, ["n" * 32])})
    with site.app.app_context():
        assert site.oauth.forget_tokens("7") == 1
    assert list(rows.every()) == []


def test_forgetting_an_account_takes_what_no_key_opens(make_token_site: MakeTokenSite) -> None:
    rows = MemoryRows()
    SealedTokenStore(rows, ["k" * 32]).put(TokenKey("demo", "7"), {"access_token": "x"})
    site = make_token_site(registry={"token_store": SealedTokenStore(rows, ["n" * 32])})
    with site.app.app_context():
        assert site.oauth.demo.for_account(owner=7).forget_token() is True
    assert list(rows.every()) == []
