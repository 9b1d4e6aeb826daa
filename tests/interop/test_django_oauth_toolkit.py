"""Logins at django-oauth-toolkit: oauthlib underneath, an issuer with a path, HS256."""

from __future__ import annotations

from typing import Any

import pytest
from joserfc import jws

from ..servers.django_oauth_toolkit import DjangoOAuthToolkit
from .site import ORIGIN
from .site import REDIRECT_URI
from .site import Site
from .site import make_site
from .visitor import Visitor
from .visitor import answer_of


def site_at(provider: DjangoOAuthToolkit, alg: str = "RS256", **options: Any) -> Site:
    client_id, client_secret = provider.hs256 if alg == "HS256" else provider.rs256
    return make_site(
        client_id=client_id, client_secret=client_secret, issuer=provider.issuer, **options
    )


def visitor_of(site: Site, provider: DjangoOAuthToolkit) -> Visitor:
    answers = {"username": provider.username, "password": provider.password}
    return Visitor(site, {**answers, "allow": "Authorize"})


@pytest.mark.parametrize("alg", ["RS256", "HS256"])
def test_login(django_oauth_toolkit: DjangoOAuthToolkit, alg: str) -> None:
    site = site_at(django_oauth_toolkit, alg, id_token_signed_response_alg=alg)
    claims = answer_of(visitor_of(site, django_oauth_toolkit).log_in())

    assert claims["iss"] == django_oauth_toolkit.issuer
    assert claims["aud"] == alg.lower()
    assert claims["email"] == "alice@example.com"
    id_token = site.tokens[claims["sub"]]["id_token"]
    assert jws.extract_compact(id_token.encode()).headers()["alg"] == alg


def test_hs256_has_to_be_asked_for(django_oauth_toolkit: DjangoOAuthToolkit) -> None:
    # The metadata lists HS256, but metadata only narrows what the registration allows.
    site = site_at(django_oauth_toolkit, "HS256")
    answer = answer_of(visitor_of(site, django_oauth_toolkit).log_in())

    assert answer["error"] == "unsupported_alg"
    assert site.tokens == {}


def test_issuer_with_a_path(django_oauth_toolkit: DjangoOAuthToolkit) -> None:
    site = site_at(django_oauth_toolkit)
    visitor = visitor_of(site, django_oauth_toolkit)
    visitor.log_in()

    assert visitor.query_of(REDIRECT_URI)["iss"] == django_oauth_toolkit.issuer
    with site.app.app_context():
        metadata = site.oauth.demo.load_server_metadata()
    assert metadata["token_endpoint"] == f"{django_oauth_toolkit.issuer}/token/"


def test_userinfo_is_about_the_same_user(django_oauth_toolkit: DjangoOAuthToolkit) -> None:
    visitor = visitor_of(site_at(django_oauth_toolkit), django_oauth_toolkit)
    claims = answer_of(visitor.log_in())
    userinfo = answer_of(visitor.get("/me"))

    assert userinfo["sub"] == claims["sub"]
    assert userinfo["name"] == "Alice Example"


@pytest.mark.parametrize("alg", ["RS256", "HS256"])
def test_refresh_rotates(django_oauth_toolkit: DjangoOAuthToolkit, alg: str) -> None:
    site = site_at(django_oauth_toolkit, alg, id_token_signed_response_alg=alg)
    visitor = visitor_of(site, django_oauth_toolkit)
    sub = answer_of(visitor.log_in())["sub"]
    before = site.tokens[sub]

    for _ in range(2):
        site.expire(sub)
        assert answer_of(visitor.get("/me"))["sub"] == sub
    after = site.tokens[sub]
    assert after["refresh_token"] != before["refresh_token"]
    assert after["access_token"] != before["access_token"]


def test_denied_login_ends_without_a_token_call(
    django_oauth_toolkit: DjangoOAuthToolkit,
) -> None:
    # This provider announces `iss` but leaves it out of error redirects, so that nobody can tell
    # whether the refusal is its own (RFC 9207 section 2.4: reject).
    site = site_at(django_oauth_toolkit)
    visitor = visitor_of(site, django_oauth_toolkit)
    consent = visitor.submit(visitor.get("/login"), visitor.answers)
    answer = visitor.submit(consent, press=["Cancel"])

    assert visitor.query_of(REDIRECT_URI)["error"] == "access_denied"
    assert answer_of(answer)["error"] == "missing_iss"
    assert site.tokens == {}


def test_logout_at_the_provider_and_back(django_oauth_toolkit: DjangoOAuthToolkit) -> None:
    visitor = visitor_of(site_at(django_oauth_toolkit), django_oauth_toolkit)
    visitor.log_in()
    answer = visitor.get("/logout")

    assert answer.url.startswith(f"{ORIGIN}/bye?state=")
    assert answer_of(answer)["signed_out"] is True
    # The provider asks for the password again.
    assert "/login/" in visitor.get("/login").url
