"""Logins at npm ``oidc-provider``, a certified OpenID provider."""

from __future__ import annotations

import re
from typing import Any

import pytest
from joserfc import jws

from flask_oauthclient.testing.browser import Page
from flask_oauthclient.testing.forms import Button

from ..servers.oidc_provider import OidcProvider
from .site import ORIGIN
from .site import REDIRECT_URI
from .site import Site
from .site import make_site
from .visitor import Visitor
from .visitor import answer_of

DISCOVERY = "/.well-known/openid-configuration"


def site_at(provider: OidcProvider, client_id: str = "web", **metadata: Any) -> Site:
    """A site whose client is registered at the provider with this metadata."""
    client = provider.add_client(client_id, **metadata)
    return make_site(
        client_id=client_id,
        client_secret=client.get("client_secret"),
        issuer=provider.issuer,
        token_endpoint_auth_method=metadata.get("token_endpoint_auth_method"),
    )


def visitor_of(site: Site, name: str = "alice") -> Visitor:
    """Somebody who signs in under this name and agrees to everything."""
    return Visitor(site, {"login": name, "password": "any"}, press=["Continue"])


def id_token_header(site: Site, sub: str) -> dict[str, Any]:
    return dict(jws.extract_compact(site.tokens[sub]["id_token"].encode()).headers())


def test_login(oidc_provider: OidcProvider) -> None:
    claims = answer_of(visitor_of(site_at(oidc_provider)).log_in())
    assert claims["sub"] == "alice"
    assert claims["iss"] == oidc_provider.issuer
    assert claims["aud"] == "web"


def test_login_uses_pkce_state_and_nonce(oidc_provider: OidcProvider) -> None:
    visitor = visitor_of(site_at(oidc_provider))
    visitor.log_in()

    query = visitor.query_of(f"{oidc_provider.issuer}/auth")
    assert query["response_type"] == "code"
    assert query["code_challenge_method"] == "S256"
    assert len(query["code_challenge"]) == 43
    assert len(query["state"]) >= 22
    assert len(query["nonce"]) >= 20


def test_callback_carries_the_issuer(oidc_provider: OidcProvider) -> None:
    visitor = visitor_of(site_at(oidc_provider))
    visitor.log_in()
    assert visitor.query_of(REDIRECT_URI)["iss"] == oidc_provider.issuer


def test_login_makes_each_call_once(oidc_provider: OidcProvider) -> None:
    visitor_of(site_at(oidc_provider)).log_in()
    calls = [path for path in oidc_provider.paths() if path in {DISCOVERY, "/jwks", "/token"}]
    assert calls == [DISCOVERY, "/token", "/jwks"]


@pytest.mark.parametrize(
    ("method", "scheme"),
    [("client_secret_basic", "Basic"), ("client_secret_post", ""), ("none", "")],
)
def test_client_authentication(oidc_provider: OidcProvider, method: str, scheme: str) -> None:
    site = site_at(oidc_provider, method, token_endpoint_auth_method=method)
    claims = answer_of(visitor_of(site).log_in())

    assert claims["aud"] == method
    [call] = [entry for entry in oidc_provider.log() if entry["path"] == "/token"]
    assert call.get("authorization", "").partition(" ")[0] == scheme


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
def test_id_token_algorithm(oidc_provider: OidcProvider, alg: str) -> None:
    site = site_at(oidc_provider, alg, id_token_signed_response_alg=alg)
    claims = answer_of(visitor_of(site).log_in())

    assert claims["sub"] == "alice"
    assert id_token_header(site, "alice")["alg"] == alg


def test_userinfo_is_about_the_same_user(oidc_provider: OidcProvider) -> None:
    visitor = visitor_of(site_at(oidc_provider))
    visitor.log_in()
    userinfo = answer_of(visitor.get("/me"))

    assert userinfo["sub"] == "alice"
    assert userinfo["email"] == "alice@example.com"
    assert userinfo["name"] == "Alice Example"


def test_two_users_have_their_own_tokens(oidc_provider: OidcProvider) -> None:
    site = site_at(oidc_provider)
    alice, bob = visitor_of(site, "alice"), visitor_of(site, "bob")
    alice.log_in()
    bob.log_in()

    assert answer_of(alice.get("/me"))["sub"] == "alice"
    assert answer_of(bob.get("/me"))["sub"] == "bob"


def test_expired_token_is_refreshed_once_and_rotated(oidc_provider: OidcProvider) -> None:
    site = site_at(oidc_provider)
    visitor = visitor_of(site)
    visitor.log_in()
    before = site.tokens["alice"]
    site.expire("alice")

    assert answer_of(visitor.get("/me"))["sub"] == "alice"
    after = site.tokens["alice"]
    assert after["access_token"] != before["access_token"]
    assert after["refresh_token"] != before["refresh_token"]
    assert after["expires_at"] > 1
    assert answer_of(visitor.get("/me"))["sub"] == "alice"
    assert oidc_provider.paths().count("/token") == 2


def test_refresh_can_be_repeated_with_each_new_token(oidc_provider: OidcProvider) -> None:
    # The provider revokes everything as soon as a spent refresh token comes back.
    site = site_at(oidc_provider)
    visitor = visitor_of(site)
    visitor.log_in()
    for _ in range(3):
        site.expire("alice")
        assert answer_of(visitor.get("/me"))["sub"] == "alice"


def test_refused_refresh_tells_what_to_do(oidc_provider: OidcProvider) -> None:
    site = site_at(oidc_provider)
    visitor = visitor_of(site)
    visitor.log_in()
    site.tokens["alice"]["refresh_token"] = "no such token"
    site.expire("alice")

    answer = answer_of(visitor.get("/me"))
    assert answer["error"] == "invalid_grant"
    assert "Start the login again" in answer["description"]


def test_keys_rotated_between_two_logins(oidc_provider: OidcProvider) -> None:
    site = site_at(oidc_provider)
    visitor_of(site, "alice").log_in()
    assert oidc_provider.paths().count("/jwks") == 1

    oidc_provider.admin("rotate", {"keep_old": False})
    visitor_of(site, "bob").log_in()
    visitor_of(site, "carol").log_in()

    alice, bob, carol = (id_token_header(site, sub)["kid"] for sub in ("alice", "bob", "carol"))
    assert alice != bob
    assert bob == carol
    assert oidc_provider.paths().count("/jwks") == 2
    assert oidc_provider.paths().count(DISCOVERY) == 1


def test_form_post_arrives_without_the_cookies_of_the_site(oidc_provider: OidcProvider) -> None:
    # The provider's page posts across sites, so a browser sends no SameSite=Lax cookie with it.
    visitor = visitor_of(site_at(oidc_provider))
    claims = answer_of(visitor.log_in("/login?response_mode=form_post"))

    [post] = [v for v in visitor.seen if v.method == "POST" and v.url == REDIRECT_URI]
    assert post.initiator is not None
    assert post.initiator.startswith(oidc_provider.issuer)
    assert claims["sub"] == "alice"
    assert answer_of(visitor.get("/me"))["sub"] == "alice"


def test_cancelled_login_is_told_apart(oidc_provider: OidcProvider) -> None:
    visitor = visitor_of(site_at(oidc_provider))
    page = visitor.get("/login")
    [cancel] = re.findall(r'href="([^"]+/abort)"', page.text)
    answer = visitor.get(cancel)

    assert answer.status == 400
    assert answer_of(answer)["error"] == "access_denied"
    assert "/token" not in oidc_provider.paths()


def test_silent_login_without_a_session_says_login_required(oidc_provider: OidcProvider) -> None:
    answer = visitor_of(site_at(oidc_provider)).get("/login?prompt=none")
    assert answer_of(answer)["error"] == "login_required"


def test_silent_login_with_a_session_passes(oidc_provider: OidcProvider) -> None:
    visitor = visitor_of(site_at(oidc_provider))
    visitor.log_in()
    assert answer_of(visitor.get("/login?prompt=none"))["sub"] == "alice"


def test_max_age_is_answered_and_checked(oidc_provider: OidcProvider) -> None:
    claims = answer_of(visitor_of(site_at(oidc_provider)).log_in("/login?max_age=60"))
    assert isinstance(claims["auth_time"], int)


def log_out(visitor: Visitor) -> Page:
    """Sign out at the site, and say yes to the provider's question."""
    page = visitor.get("/logout")
    [form] = page.forms
    # The page's buttons stand outside of the form and name it by their `form` attribute.
    form.buttons.append(Button("logout", "yes", "Yes, sign me out"))
    return visitor.submit(page, {"logout": "yes"})


def test_logout_at_the_provider_and_back(oidc_provider: OidcProvider) -> None:
    visitor = visitor_of(site_at(oidc_provider))
    visitor.log_in()
    answer = log_out(visitor)

    assert "/session/end" in oidc_provider.paths()
    assert answer.url.startswith(f"{ORIGIN}/bye?state=")
    assert answer_of(answer)["signed_out"] is True
    assert answer_of(visitor.get("/login?prompt=none"))["error"] == "login_required"


def test_logout_return_is_accepted_once(oidc_provider: OidcProvider) -> None:
    visitor = visitor_of(site_at(oidc_provider))
    visitor.log_in()
    answer = log_out(visitor)

    assert answer.status == 200
    assert visitor.get(answer.url).status == 400
    assert visitor.get("/bye?state=made-up").status == 400


def test_spent_callback_makes_no_second_token_call(oidc_provider: OidcProvider) -> None:
    visitor = visitor_of(site_at(oidc_provider))
    answer = visitor.log_in()

    assert answer_of(visitor.get(answer.url))["error"] == "state_used"
    assert oidc_provider.paths().count("/token") == 1
