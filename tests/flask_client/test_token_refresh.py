"""Stored tokens as time goes by: replaced in time, or when they are refused, or not at all."""

from __future__ import annotations

import time
from typing import Any

import pytest

from flask_oauthclient.protocol.errors import ProviderError
from tests.helpers.clock import Clock

from ._token_site import MakeTokenSite
from ._token_site import TokenSite


def test_expired_token_is_refreshed_once_and_kept(tokens: TokenSite) -> None:
    tokens.change(expires_at=1)
    assert tokens.me()["sub"] == "alice"
    assert tokens.me()["sub"] == "alice"
    assert tokens.refreshes == 1


def test_rest_of_a_request_has_the_refreshed_token(tokens: TokenSite) -> None:
    tokens.change(expires_at=1)
    with tokens.app.test_request_context():
        client = tokens.oauth.demo.for_account(owner=tokens.key.owner)
        before = client.token["access_token"]
        client.get("me")
        now = client.token["access_token"]
    assert before != now == tokens.store.get(tokens.key)["access_token"]


def test_rest_of_a_request_has_the_token_that_was_saved(tokens: TokenSite) -> None:
    with tokens.app.test_request_context():
        client = tokens.oauth.demo.for_account(owner=tokens.key.owner)
        assert client.token is not None
        client.save_token({"access_token": "of another login"})
        assert client.token == {"access_token": "of another login"}


def test_store_is_read_once_in_a_request(
    tokens: TokenSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []
    rows = tokens.store._rows._rows
    read = rows.read
    monkeypatch.setattr(rows, "read", lambda row_id: reads.append(row_id) or read(row_id))
    with tokens.app.test_request_context():
        client = tokens.oauth.demo.for_account(owner=tokens.key.owner)
        assert client.authorized
        for _ in range(2):
            client.get("me")
    assert len(reads) == 1


def test_token_that_is_set_for_a_request_outlives_the_refresh_of_another(
    tokens: TokenSite,
) -> None:
    with tokens.app.test_request_context():
        tokens.oauth.demo.token = {"access_token": "set by hand"}
        tokens.oauth.demo.refresh_token(tokens.store.get(tokens.key))
        assert tokens.oauth.demo.token == {"access_token": "set by hand"}


@pytest.mark.parametrize("expires_at", ["1", 0, 1.5, -7, "0"], ids=repr)
def test_odd_moments_of_expiry_are_past(tokens: TokenSite, expires_at: Any) -> None:  # R17
    tokens.change(expires_at=expires_at)
    assert tokens.me()["sub"] == "alice"
    assert tokens.refreshes == 1


@pytest.mark.parametrize("expires_at", [2**33, "9999999999", 1e12], ids=repr)
def test_late_moments_of_expiry_are_fine(tokens: TokenSite, expires_at: Any) -> None:  # R17
    tokens.change(expires_at=expires_at, expires_in=None)
    assert tokens.me()["sub"] == "alice"
    assert tokens.refreshes == 0


@pytest.mark.parametrize("expires_at", ["soon", None, True, [], float("inf")], ids=repr)
def test_unknown_expiry_leaves_it_to_the_api(tokens: TokenSite, expires_at: Any) -> None:  # R17
    tokens.change(expires_at=expires_at, expires_in=None)
    assert tokens.me()["sub"] == "alice"
    assert tokens.refreshes == 0
    tokens.change(access_token="unknown-to-the-api")
    assert tokens.me()["sub"] == "alice"
    assert tokens.refreshes == 1


def test_refused_token_is_replaced_once_and_the_call_repeated_once(tokens: TokenSite) -> None:
    tokens.change(access_token="unknown-to-the-api")
    before = tokens.provider.log.count("api")
    assert tokens.me()["sub"] == "alice"
    assert tokens.refreshes == 1
    assert tokens.provider.log.count("api") == before + 2


def test_token_that_is_refused_although_it_is_new_is_replaced_once_more(tokens: TokenSite) -> None:
    refusal = 'Bearer error="invalid_token"'
    tokens.provider.faults.on("api").respond(401, headers={"WWW-Authenticate": refusal})
    tokens.change(expires_at=1)
    with tokens.app.app_context():
        client = tokens.oauth.demo.for_account(owner=tokens.key.owner)
        assert client.get("me").status_code == 401
    assert tokens.refreshes == 2


def test_call_that_is_refused_twice_is_given_up(tokens: TokenSite) -> None:
    refusal = 'Bearer error="invalid_token"'
    tokens.provider.faults.on("api").respond(401, headers={"WWW-Authenticate": refusal})
    with tokens.app.app_context():
        client = tokens.oauth.demo.for_account(owner=tokens.key.owner)
        assert client.get("me").status_code == 401
    assert tokens.refreshes == 1
    assert tokens.provider.log.count("api") == 2


def test_userinfo_that_is_refused_is_asked_once_more(tokens: TokenSite) -> None:
    tokens.change(access_token="unknown-to-the-provider")
    with tokens.app.app_context():
        client = tokens.oauth.demo.for_account(owner=tokens.key.owner)
        assert client.userinfo()["sub"] == "alice"
    assert tokens.refreshes == 1


def test_grant_that_is_over_is_noticed_before_the_token_expires(tokens: TokenSite) -> None:
    tokens.change(expires_at=int(time.time()) + 30, refresh_token="spent-long-ago")
    assert tokens.as_script("/me").status_code == 401


def test_token_without_refresh_token_is_used_to_its_end(tokens: TokenSite) -> None:
    tokens.change(expires_at=int(time.time()) + 30, refresh_token=None)
    assert tokens.as_script("/me").json()["sub"] == "alice"  # a page would sign in again


def test_what_the_refresh_leaves_out_stays(tokens: TokenSite) -> None:  # R06
    fault = tokens.provider.faults.on("token")
    fault.edit_json(lambda document: {k: document[k] for k in ("access_token", "token_type")})
    before = tokens.store.get(tokens.key)
    tokens.change(expires_at=1)
    tokens.me()
    after = tokens.store.get(tokens.key)
    assert after["access_token"] != before["access_token"]
    assert {k: after[k] for k in ("refresh_token", "scope", "id_token", "userinfo")} == {
        k: before[k] for k in ("refresh_token", "scope", "id_token", "userinfo")
    }
    assert "expires_at" not in after


def test_token_is_refreshed_a_little_before_it_expires(tokens: TokenSite, clock: Clock) -> None:
    clock.advance(3600 - 67)
    tokens.me()
    assert tokens.refreshes == 0
    clock.advance(67 - 53)
    tokens.me()
    assert tokens.refreshes == 1


def test_short_lived_token_is_used_for_half_of_its_life(
    make_token_site: MakeTokenSite, clock: Clock
) -> None:
    site = make_token_site()
    site.provider.access_token_lifetime = 40
    site.sign_in()
    site.me()
    assert site.refreshes == 0
    clock.advance(25)
    site.me()
    assert site.refreshes == 1


def test_clock_set_back_makes_no_token_good_for_ever(tokens: TokenSite, clock: Clock) -> None:
    tokens.me()
    clock.advance(-3600)
    for _ in range(3):  # without a session, whose cookie comes from the future now
        with tokens.app.app_context():
            client = tokens.oauth.demo.for_account(owner=tokens.key.owner)
            assert client.get("me").json()["sub"] == "alice"
    assert tokens.refreshes == 1  # R16: and no storm


def test_clock_set_ahead_costs_one_refresh(tokens: TokenSite, clock: Clock) -> None:  # R16
    clock.advance(86400)
    for _ in range(3):
        assert tokens.me()["sub"] == "alice"
    assert tokens.refreshes == 1
    clock.advance(-86400)  # and set right again
    for _ in range(3):
        assert tokens.me()["sub"] == "alice"
    assert tokens.refreshes == 2


def test_failed_refresh_keeps_the_token_and_is_remembered(  # R05, R09
    tokens: TokenSite, clock: Clock
) -> None:
    before = tokens.store.get(tokens.key)
    tokens.change(expires_at=1)
    fault = tokens.provider.faults.on("token").status(503)
    tokens.app.testing = True
    for _ in range(3):
        with pytest.raises(ProviderError) as caught:
            tokens.open("/me")
        assert caught.value.error == "provider_unavailable"
    assert tokens.refreshes == 1
    assert tokens.store.get(tokens.key)["refresh_token"] == before["refresh_token"]

    tokens.provider.faults.discard(fault)
    clock.advance(31)
    assert tokens.me()["sub"] == "alice"
    assert tokens.refreshes == 2


def test_failed_early_refresh_disturbs_no_call(tokens: TokenSite) -> None:
    tokens.change(expires_at=int(time.time()) + 30)
    tokens.provider.faults.on("token").status(503)
    assert tokens.me()["sub"] == "alice"
    assert tokens.me()["sub"] == "alice"
    assert tokens.refreshes == 1


def test_wider_scope_is_flagged(tokens: TokenSite, caplog: pytest.LogCaptureFixture) -> None:  # R20
    fault = tokens.provider.faults.on("token")
    fault.edit_json(lambda document: {**document, "scope": f"{document['scope']} admin"})
    tokens.change(expires_at=1)
    tokens.me()
    assert "scope is wider" in caplog.text


# -- the refreshed ID token ------------------------------------------------------------------------

CHANGES: dict[str, dict[str, Any]] = {
    "R10": {"sub": "mallory"},
    "R12": {"auth_time": 1},
    "R13": {"nonce": "another"},
    "azp": {"azp": "another"},
    "iss": {"iss": "https://other.test"},
    "aud": {"aud": "another"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_refreshed_id_token_of_another_login_is_refused(
    tokens: TokenSite, change: dict[str, Any]
) -> None:
    tokens.app.testing = True
    tokens.change(expires_at=1)
    tokens.provider.faults.on("id_token").edit_claims(lambda claims: {**claims, **change})
    calls = tokens.provider.log.count("api")
    with pytest.raises(ProviderError) as caught:
        tokens.open("/me")
    assert caught.value.error == "invalid_claim"
    assert tokens.provider.log.count("api") == calls
    assert tokens.store.get(tokens.key) is None


def test_refreshed_id_token_with_a_bad_signature_is_refused(tokens: TokenSite) -> None:  # R14
    tokens.app.testing = True
    tokens.change(expires_at=1)
    tokens.provider.faults.on("id_token").tamper_signature()
    with pytest.raises(ProviderError) as caught:
        tokens.open("/me")
    assert caught.value.error == "bad_signature"
    assert tokens.store.get(tokens.key) is None


def test_keys_that_cannot_be_had_cost_no_refresh_token(
    make_token_site: MakeTokenSite, clock: Clock
) -> None:
    site = make_token_site()
    site.sign_in()
    before = site.store.get(site.key)
    site.provider.rotate_keys(keep_old=False)
    site.provider.faults.on("jwks").status(503)
    site.change(expires_at=1)
    assert site.me()["sub"] == "alice"
    after = site.store.get(site.key)
    assert after["refresh_token"] != before["refresh_token"]
    assert after["id_token"] == before["id_token"]
