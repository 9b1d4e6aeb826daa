"""Signing out through the mounted blueprint, at providers that others have written."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import parse_qs
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask
from flask import url_for
from joserfc.jwk import ECKey
from joserfc.jwk import OKPKey
from joserfc.jwk import RSAKey

from flask_oauthclient import LoginResult
from flask_oauthclient import OAuth
from flask_oauthclient import current_identity
from flask_oauthclient.protocol.oauth2 import PrivateKeyJWT
from flask_oauthclient.testing.browser import Page
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.browser import Visit
from flask_oauthclient.testing.browser import origin_of
from flask_oauthclient.testing.forms import Button
from flask_oauthclient.testing.provider import serve_wsgi

from ..helpers.leaks import Watch
from ..servers.django_oauth_toolkit import DjangoOAuthToolkit
from ..servers.oidc_provider import OidcProvider
from ..servers.oidc_provider_6 import node_binary
from ..servers.oidc_provider_6 import oidc_provider_6_server
from .site import ORIGIN
from .site import POST_LOGOUT_REDIRECT_URI
from .site import Site
from .visitor import Visitor


def site_with_blueprint(**registration: Any) -> Site:
    """A site whose routes are those that the providers have registered."""
    app = Flask("interop")
    app.config.update(SECRET_KEY="the secret key of the interop site")
    site = Site(app, OAuth(app))
    site.oauth.register("demo", client_kwargs={"scope": "openid profile"}, **registration)

    def keep(result: LoginResult) -> None:
        site.tokens[result.claims["sub"]] = dict(result.token)

    blueprint = site.oauth.create_blueprint(
        providers=["demo"],
        on_login=keep,
        paths={"callback": "/callback", "logout_callback": "/bye"},
    )
    app.register_blueprint(blueprint)
    add_pages(app)
    return site


def add_pages(app: Flask) -> None:
    @app.get("/")
    def home() -> str:
        action = url_for("oauthclient.logout")
        return f'<form method="post" action="{action}"><button>Sign out</button></form>'

    @app.get("/who")
    def who() -> dict[str, Any]:
        return {"sub": current_identity.sub if current_identity else None}


def user_of(visitor: Visitor) -> str | None:
    found: str | None = visitor.get("/who").response.json()["sub"]
    return found


def ended_with(visits: list[Visit], path: str) -> dict[str, list[str]]:
    """The query of the request that ends the session at the provider."""
    [visit] = [v for v in visits if urlsplit(v.url).path == path and v.method == "GET"]
    return parse_qs(urlsplit(visit.url).query)


def is_signed_out_page(page: Page) -> bool:
    return page.url.startswith(f"{POST_LOGOUT_REDIRECT_URI}?state=") and (
        "You are signed out" in page.text
    )


# -- npm oidc-provider -------------------------------------------------------------------------


def signed_in_at(provider: OidcProvider) -> Visitor:
    client = provider.add_client("web")
    site = site_with_blueprint(
        client_id="web", client_secret=client["client_secret"], issuer=provider.issuer
    )
    visitor = Visitor(site, {"login": "alice", "password": "any"}, press=["Continue"])
    assert visitor.log_in().url == f"{ORIGIN}/"
    assert user_of(visitor) == "alice"
    return visitor


def test_oidc_provider_is_left_with_a_hint(oidc_provider: OidcProvider) -> None:
    visitor = signed_in_at(oidc_provider)
    page = visitor.submit(visitor.get("/"), press=["Sign out"])
    assert user_of(visitor) is None  # whatever the person says there

    query = ended_with(visitor.seen, "/session/end")
    assert query["id_token_hint"] == [visitor.site.tokens["alice"]["id_token"]]
    assert query["post_logout_redirect_uri"] == [POST_LOGOUT_REDIRECT_URI]
    # This one asks in any case. The buttons stand outside of the form that they belong to.
    page.forms[0].buttons.append(Button("logout", "yes", "Yes, sign me out"))
    assert is_signed_out_page(visitor.submit(page, {"logout": "yes"}))
    assert "/interaction/" in visitor.get("/login").url  # it asks who this is


def test_oidc_provider_revokes_the_tokens(oidc_provider: OidcProvider) -> None:
    visitor = signed_in_at(oidc_provider)
    site, token = visitor.site, visitor.site.tokens["alice"]
    visitor.submit(visitor.get("/"), press=["Sign out"])

    assert oidc_provider.paths().count("/token/revocation") == 1
    for name in ("access_token", "refresh_token"):
        answer = oidc_provider.http.post(
            f"{oidc_provider.issuer}/token/introspection",
            {"token": token[name]},
            auth=("web", site.oauth.demo.client_secret),
            timeout=10,
        )
        assert answer.json() == {"active": False}


# -- django-oauth-toolkit ----------------------------------------------------------------------


@pytest.mark.parametrize("alg", ["RS256", "HS256"])
def test_django_oauth_toolkit_is_left_with_a_hint(
    django_oauth_toolkit: DjangoOAuthToolkit, alg: str
) -> None:
    provider = django_oauth_toolkit
    client_id, client_secret = provider.hs256 if alg == "HS256" else provider.rs256
    site = site_with_blueprint(
        client_id=client_id,
        client_secret=client_secret,
        issuer=provider.issuer,
        id_token_signed_response_alg=alg,
    )
    answers = {"username": provider.username, "password": provider.password, "allow": "Authorize"}
    visitor = Visitor(site, answers)
    assert visitor.log_in().url == f"{ORIGIN}/"
    [token] = site.tokens.values()
    page = visitor.submit(visitor.get("/"), press=["Sign out"])

    assert ended_with(visitor.seen, "/o/logout/")["id_token_hint"] == [token["id_token"]]
    assert is_signed_out_page(page)  # with a hint, it does not ask
    assert user_of(visitor) is None
    assert "/login/" in visitor.get("/login").url  # it asks for the password again


# -- npm oidc-provider 6 -----------------------------------------------------------------------


StartOldProvider = Callable[..., AbstractContextManager[str]]


@pytest.fixture
def old_provider() -> StartOldProvider:
    """Starts npm oidc-provider 6 with the clients that it is given."""
    node = node_binary()
    if node is not None:
        return lambda *clients: oidc_provider_6_server(node, clients)
    if os.environ.get("CI") == "true":
        pytest.fail("npm oidc-provider 6 is not installed, and in CI it has to be.")
    pytest.skip("npm oidc-provider 6 is not installed (`make servers` tries to).")


def open_frames(page: Page) -> list[int]:
    """Open the frames of a page as a browser does: without cookies that are ``SameSite=Lax``."""
    frames = re.findall(r'<iframe src="([^"]+)"', page.text)
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "iframe"}
    answers = [requests.get(html.unescape(url), headers=headers, timeout=10) for url in frames]
    for answer in answers:
        assert f"frame-ancestors {origin_of(page.url)}" in answer.headers["Content-Security-Policy"]
    return [answer.status_code for answer in answers]


@pytest.mark.parametrize("started_here", [True, False], ids=["rpinitlogout", "opinitlogout"])
def test_oidc_provider_6_ends_the_session_in_a_frame(
    old_provider: StartOldProvider, started_here: bool
) -> None:
    app, secret = Flask("interop"), "web-secret-0123456789-0123456789"
    app.config.update(SECRET_KEY="the secret key of the interop site")
    oauth = OAuth(app)
    app.register_blueprint(oauth.create_blueprint(), url_prefix="/auth")
    add_pages(app)
    with serve_wsgi(app) as server, ScriptedBrowser() as browser, ScriptedBrowser() as other:
        origin = f"http://127.0.0.1:{server.port}"
        client = {
            "client_id": "web",
            "client_secret": secret,
            "redirect_uris": [f"{origin}/auth/callback/demo"],
            "post_logout_redirect_uris": [f"{origin}/auth/logout/callback"],
            "frontchannel_logout_uri": f"{origin}/auth/frontchannel-logout/demo",
            "frontchannel_logout_session_required": True,
        }
        with old_provider(client) as issuer:
            registration: dict[str, Any] = {"client_id": "web", "client_secret": secret}
            registration.update(issuer=issuer, client_kwargs={"scope": "openid"})
            oauth.register("demo", **registration)
            answers = {"login": "alice", "password": "any"}
            for each in (browser, other):
                assert each.walk(f"{origin}/auth/login", answers, ["Continue"]).status == 200
                assert each.open(f"{origin}/who").response.json() == {"sub": "alice"}
            stolen = ScriptedBrowser()
            for cookie in browser.cookies:
                stolen.cookies.set_cookie(cookie)

            if started_here:
                page = browser.submit(browser.open(f"{origin}/"), press=["Sign out"])
            else:
                page = browser.open(f"{issuer}/session/end")
            page.forms[0].buttons.append(Button("logout", "yes", "Yes, sign me out"))
            page = browser.submit(page, {"logout": "yes"})
            assert open_frames(page) == [200]

            for each, sub in ((browser, None), (stolen, None), (other, "alice")):
                assert each.open(f"{origin}/who").response.json() == {"sub": sub}
            [back] = re.findall(r'location\.replace\("([^"]+)"\)', page.text)
            if started_here:
                assert "You are signed out" in browser.open(back, from_page=page).text
            stolen.close()


# -- the keys that we publish ------------------------------------------------------------------

KEYS: dict[str, Any] = {
    "RS256": lambda: RSAKey.generate_key(2048),
    "PS256": lambda: RSAKey.generate_key(2048),
    "ES256": lambda: ECKey.generate_key("P-256"),
    "ES512": lambda: ECKey.generate_key("P-521"),
    "Ed25519": lambda: OKPKey.generate_key("Ed25519"),
}


@pytest.mark.parametrize("alg", KEYS)
def test_oidc_provider_finds_our_keys(oidc_provider: OidcProvider, watch: Watch, alg: str) -> None:
    pem = KEYS[alg]().as_pem(private=True).decode()
    watch.secret(*pem.splitlines()[1:-2])
    app = Flask("interop")
    app.config.update(SECRET_KEY="the secret key of the interop site")
    oauth = OAuth(app)
    oauth.register(
        "demo",
        client_id="published",
        issuer=oidc_provider.issuer,
        client_kwargs={"scope": "openid"},
        token_endpoint_auth_method=PrivateKeyJWT(key=pem, alg=alg),
    )
    app.register_blueprint(oauth.create_blueprint(), url_prefix="/auth")
    add_pages(app)
    with serve_wsgi(app) as server, ScriptedBrowser() as browser:
        origin = f"http://127.0.0.1:{server.port}"
        oidc_provider.admin(
            "clients",
            [
                {
                    "client_id": "published",
                    "redirect_uris": [f"{origin}/auth/callback/demo"],
                    "token_endpoint_auth_method": "private_key_jwt",
                    "token_endpoint_auth_signing_alg": alg,
                    "jwks_uri": f"{origin}/auth/jwks.json",
                }
            ],
        )
        answers = {"login": "alice", "password": "any"}
        page = browser.walk(f"{origin}/auth/login", answers, ["Continue"])
        assert page.url == f"{origin}/"
        assert browser.open(f"{origin}/who").response.json() == {"sub": "alice"}

        keys = requests.get(f"{origin}/auth/jwks.json", timeout=10).json()["keys"]
        assert [key.keys() & {"d", "p", "q", "dp", "dq", "qi", "k"} for key in keys] == [set()]
