"""Modules about what follows a login: refresh, userinfo, logout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flask_oauthclient.protocol.errors import IDTokenError
from flask_oauthclient.protocol.errors import InvalidClaimError
from flask_oauthclient.protocol.errors import UserInfoError
from flask_oauthclient.testing.browser import Visit
from tests.helpers.cases import Cases
from tests.helpers.rejection import assert_rejected
from tests.helpers.rejection import assert_typed
from tests.helpers.site import CLIENT_ID
from tests.helpers.site import ISSUER
from tests.helpers.site import Site
from tests.helpers.urls import state_of
from tests.helpers.urls import with_params
from tests.helpers.world import World

from .conformance_login import _altered
from .conformance_login import userinfo

cases = Cases()
module = cases.row
Claims = dict[str, Any]


# -- refresh ------------------------------------------------------------------------------


def refreshed(world: World, change: Callable[[Claims], Claims]) -> tuple[Site, Any]:
    """A site after a login; how it refreshes, with the ID token of the refresh altered."""
    site = world.make_site()
    assert site.login().status_code == 200
    site.outbound.clear()
    world.provider.faults.on("id_token").edit_claims(change)

    def refresh() -> Any:
        with site.in_request():
            return site.client().refresh_token(site.token)

    return site, refresh


@module("oidcc-client-test-refresh-token")
def refresh_and_userinfo(world: World) -> None:
    site, refresh = refreshed(world, dict)
    fresh = refresh()
    assert fresh["access_token"] != site.token["access_token"]
    assert fresh["refresh_token"] != site.token["refresh_token"]
    assert fresh["userinfo"]["sub"] == "alice"
    assert userinfo(site, fresh)["sub"] == "alice"
    authorization = world.provider.log.find("userinfo")[0].headers["Authorization"]
    assert authorization == f"Bearer {fresh['access_token']}"
    assert site.outbound.paths == ["/token", "/userinfo"]


@cases.rows(
    "oidcc-client-test-refresh-token-invalid",
    {
        "issuer": (_altered("iss", lambda v: v + "1"), "iss"),
        "sub": (_altered("sub", lambda v: v + "1"), "sub"),
        "aud": (_altered("aud", lambda v: v + "1"), "aud"),
        "auth-time": (_altered("auth_time", lambda v: v - 1000), "auth_time"),
        "nonce": (_altered("nonce", lambda v: "another"), "nonce"),
    },
)
def refreshed_id_token_is_altered(world: World, fault: tuple[Any, str]) -> None:
    site, refresh = refreshed(world, fault[0])
    with pytest.raises(InvalidClaimError) as caught:
        refresh()
    assert_typed(caught.value, "invalid_claim")
    assert caught.value.detail["claim"] == fault[1]
    assert site.outbound.paths == ["/token"]


# -- userinfo -----------------------------------------------------------------------------


@module("oidcc-client-test-userinfo-bearer-header")
def token_goes_in_the_header(world: World) -> None:
    site = world.make_site()
    site.login()
    userinfo(site)
    record = world.provider.log.find("userinfo")[0]
    assert record.headers["Authorization"] == f"Bearer {site.token['access_token']}"
    assert record.method == "GET"
    assert not {*record.query, *record.form}


@module("oidcc-client-test-userinfo-invalid-sub")
def userinfo_about_somebody_else(world: World) -> None:
    world.provider.faults.on("userinfo").edit_json(lambda d: {**d, "sub": d["sub"] + "1"})
    site = world.make_site()
    site.login()
    with pytest.raises(UserInfoError) as caught:
        userinfo(site)
    assert_typed(caught.value, "userinfo_sub_mismatch")


def signed_userinfo(world: World, **fault: Any) -> Site:
    """A site that registered for signed userinfo."""
    world.provider.faults.on("userinfo").as_jwt(**fault)
    site = world.make_site(register={"userinfo_signed_response_alg": "RS256"})
    site.login()
    return site


def addressed(claims: Claims) -> Claims:
    return {**claims, "iss": ISSUER, "aud": CLIENT_ID}


@module("oidcc-client-test-userinfo-signed")
def userinfo_is_signed(world: World) -> None:
    site = signed_userinfo(world, alg="RS256", change=addressed)
    claims = userinfo(site)
    assert claims["sub"] == "alice"
    assert claims["email"] == "alice@example.com"
    assert "iss" not in claims


@cases.rows(
    "oidcc-client-test-userinfo-signed-badly",
    {
        "none": {"alg": "none", "key": None, "change": addressed},
        "other-alg": {"alg": "ES256", "change": addressed},
        "issuer": {"change": lambda c: {**addressed(c), "iss": "https://evil.test"}},
        "audience": {"change": lambda c: {**addressed(c), "aud": "other"}},
        "subject": {"change": lambda c: {**addressed(c), "sub": "mallory"}},
    },
)
def userinfo_is_signed_badly(world: World, fault: dict[str, Any]) -> None:
    site = signed_userinfo(world, **fault)
    with pytest.raises((UserInfoError, IDTokenError)):
        userinfo(site)


# -- logout -------------------------------------------------------------------------------


def goodbye(site: Site) -> Visit:
    """Sign out up to the visit of the page after it, and don't make that."""
    assert site.login().status_code == 200
    place = f"{site.origin}/goodbye/demo"
    page = site.browser.walk(f"{site.origin}/logout/demo", press=["Sign out"], stop_before=place)
    return page.history[-1]


@module("oidcc-client-test-rp-init-logout")
def logout_and_return(world: World) -> None:
    site = world.make_site()
    visit = goodbye(site)
    query = world.provider.log.find("end_session")[0].query
    assert query["id_token_hint"] == site.token["id_token"]
    assert query["post_logout_redirect_uri"] == f"{site.origin}/goodbye/demo"
    assert query["state"] == state_of(visit)
    answer = site.browser.send(visit)
    assert answer.json() == {"post_logout_redirect_uri": f"{site.origin}/goodbye/demo"}
    assert site.browser.send(visit).text == "state_used"
    assert "user" not in site.session()


@module("oidcc-client-test-rp-init-logout-no-state")
def return_from_logout_without_state(world: World) -> None:
    site = world.make_site()
    visit = with_params(goodbye(site), state=None)
    assert (site.browser.send(visit).status_code, site.error.error) == (400, "missing_state")


@module("oidcc-client-test-rp-init-logout-other-state")
def return_from_logout_with_another_state(world: World) -> None:
    site = world.make_site()
    visit = goodbye(site)
    other = with_params(visit, state=state_of(visit) + "1")
    assert (site.browser.send(other).status_code, site.error.error) == (400, "mismatching_state")
    login = with_params(visit, state=state_of(site.begin()))
    assert (site.browser.send(login).status_code, site.error.error) == (400, "mismatching_state")
    assert site.browser.send(visit).status_code == 200


@module("oidcc-client-test-rp-init-logout-other-state-at-the-callback")
def logout_state_is_no_login_state(world: World) -> None:
    site = world.make_site()
    visit = goodbye(site)
    login = Visit("GET", f"{site.callback_url()}?code=c&iss={ISSUER}&state={state_of(visit)}")
    assert_rejected(site, login, "mismatching_state")
