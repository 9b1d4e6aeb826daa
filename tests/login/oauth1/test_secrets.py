"""Where secrets must not be: in cookies, logs and errors, at other origins, in the clear (O04)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask.sessions import session_json_serializer
from itsdangerous import URLSafeTimedSerializer

from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import MismatchingStateError
from flask_oauthclient.protocol.errors import StateStoreError
from flask_oauthclient.storage import cache as one_time
from tests.helpers.urls import query_of

from .._authlib_style import Double
from .._authlib_style import sending
from ._site import SECRET_KEY
from ._site import Site

CACHES = ("none", "simple", "files", "redis", "memcached")
MakeSite = Callable[..., Site]


# -- secrets -------------------------------------------------------------------------------


@pytest.mark.parametrize("cache", CACHES)
def test_temporary_secret_is_not_to_be_read(
    make_oauth1_site: MakeSite, make_cache: Callable[[str], Any], cache: str
) -> None:
    kept = make_cache(cache)
    site = make_oauth1_site(cache=kept)
    site.begin()
    [given], [key] = site.line.given, site.pending()
    readable = read_without_a_key(site) if kept is None else one_time.read(kept, key) or ""
    assert given["oauth_token"] in readable
    assert given["oauth_token_secret"] not in readable + read_without_a_key(site)


def read_without_a_key(site: Site) -> str:
    """What is in the browser's cookies, for everybody who gets at them."""
    reader = URLSafeTimedSerializer("no key", serializer=session_json_serializer)
    [session] = (cookie.value for cookie in site.browser.cookies if cookie.name == "session")
    _, content = reader.loads_unsafe(str(session))
    return json.dumps(content) + site.cookie_header()


def test_sealed_secret_opens_for_its_own_login_only(oauth1_site: Site) -> None:
    site = oauth1_site
    first, second = site.begin(), site.begin()
    names = [query_of(callback)["oauth_token"][0] for callback in (first, second)]
    [one, two] = (site.session()[f"_state_demo_{name}"]["data"]["request_token"] for name in names)
    swapped = {**one, "oauth_token_secret": two["oauth_token_secret"]}
    with site.app.test_request_context(first) as context:
        context.session[f"_state_demo_{names[0]}"] = {"data": {"request_token": swapped}}
        with pytest.raises(MismatchingStateError) as caught:
            site.client().authorize_access_token()
    assert caught.value.error == "state_unreadable"
    assert site.line.paths.count("/token") == 0


@pytest.mark.parametrize("cache", CACHES)
def test_secret_key_may_be_rotated_in_the_middle(
    make_oauth1_site: MakeSite, make_cache: Callable[[str], Any], cache: str
) -> None:
    shared = make_cache(cache)
    before = make_oauth1_site(cache=shared)
    callback = before.begin()
    config = {"SECRET_KEY_FALLBACKS": [SECRET_KEY]}
    after = make_oauth1_site(
        cache=shared, secret_key="another key", config=config, browser=before.browser
    )
    assert after.finish(callback).status_code == 200


def test_secret_key_that_is_gone(make_oauth1_site: MakeSite) -> None:
    before = make_oauth1_site()
    callback = before.begin()
    after = make_oauth1_site(secret_key="another key", browser=before.browser)
    after.assert_rejected(callback, "mismatching_state")


def test_nothing_says_a_secret(oauth1_site: Site, caplog: pytest.LogCaptureFixture) -> None:
    # The watch over every test looks for them in logs and errors; here is what it looks through.
    caplog.set_level(logging.DEBUG)
    token = oauth1_site.login()
    client = oauth1_site.client()
    temporary, final = oauth1_site.line.given
    shown = f"{token!r} {token} {client!r} {client.session.auth!r} {client.session!r} {caplog.text}"
    for given in (temporary, final):
        assert given["oauth_token_secret"] not in shown
    assert oauth1_site.server.client_secret not in shown


def test_large_extra_needs_a_cache(oauth1_site: Site) -> None:
    assert oauth1_site.start(extra={"next": "x" * 4000}).text == "state_too_large"
    assert isinstance(oauth1_site.error, StateStoreError)


# -- where the token goes ------------------------------------------------------------------


def test_token_goes_to_the_api_only(oauth1_site: Site) -> None:
    token, sent = oauth1_site.login(), len(oauth1_site.line.requests)
    with pytest.raises(InsecureTransportError) as caught:
        oauth1_site.client().get(f"{elsewhere(oauth1_site)}/echo", token=token)
    assert caught.value.error == "token_origin"
    assert len(oauth1_site.line.requests) == sent


def test_token_goes_to_further_origins(make_oauth1_site: MakeSite) -> None:
    site = make_oauth1_site()
    other = elsewhere(site)
    site.oauth.register(
        "second",
        client_id=site.server.client_id,
        client_secret=site.server.client_secret,
        request_token_url=site.server.request_token_url,
        api_base_url="https://api.test/",
        token_origins=[other],
    )
    site.client("second").session.mount("http://", site.line)
    answer = site.client("second").get(f"{other}/echo", token=site.login())
    assert answer.json()["user"] == "alice"


def test_withheld_token_at_home_is_signed_as_the_client(oauth1_site: Site) -> None:
    answer = oauth1_site.client().get("echo", withhold_token=True)
    [entry] = oauth1_site.server.log("/echo")
    assert answer.status_code == 401  # this API wants a user
    assert "oauth_signature" in entry["protocol"]["header"]
    assert "oauth_token" not in entry["protocol"]["header"]


def test_withheld_token_elsewhere_is_not_signed(oauth1_site: Site) -> None:
    oauth1_site.client().get(f"{elsewhere(oauth1_site)}/echo", withhold_token=True)
    [entry] = oauth1_site.server.log("/echo")
    assert entry["protocol"] == {"header": [], "body": [], "query": []}
    assert "Authorization" not in oauth1_site.line.requests[-1].headers


def elsewhere(site: Site) -> str:
    """Another name of the same server, which is another origin."""
    return site.server.base_url.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize("status", [302, 307])
def test_redirect_elsewhere_is_not_signed(oauth1_site: Site, status: int) -> None:
    token = oauth1_site.login()
    target = f"{elsewhere(oauth1_site)}/echo"
    oauth1_site.server.answer_instead("/moved", status=status, headers={"Location": target})
    answer = oauth1_site.client().get("moved", token=token)
    assert answer.url == target
    assert "Authorization" not in oauth1_site.line.requests[-1].headers
    assert answer.status_code == 401


def test_redirect_at_home_is_signed_anew(oauth1_site: Site) -> None:
    token = oauth1_site.login()
    oauth1_site.server.answer_instead("/moved", status=302, headers={"Location": "/echo?a=1"})
    answer = oauth1_site.client().get("moved", token=token)
    assert answer.json()["user"] == "alice"
    first, second = (request.headers["Authorization"] for request in oauth1_site.line.requests[-2:])
    assert first != second


def test_redirect_of_the_credentials_is_refused(oauth1_site: Site) -> None:
    oauth1_site.server.answer_instead(
        "/initiate", status=307, headers={"Location": f"{elsewhere(oauth1_site)}/initiate"}
    )
    assert oauth1_site.start().text == "redirect_refused"
    assert oauth1_site.line.paths == ["/initiate"]


# -- O04: in the clear ---------------------------------------------------------------------


@pytest.mark.parametrize("insecure_http", [False, True])
@pytest.mark.parametrize("method", ["PLAINTEXT", "HMAC-SHA1"])
def test_http_to_another_host(make_oauth1_site: MakeSite, method: str, insecure_http: bool) -> None:
    site = make_oauth1_site(
        register={
            "client_kwargs": {"signature_method": method},
            "api_base_url": "http://api.test/",
            "insecure_http": insecure_http or None,
        },
    )
    token = {"oauth_token": "a", "oauth_token_secret": "b"}
    with sending(lambda request: Double({})) as sent:
        if insecure_http and method != "PLAINTEXT":
            site.client().get("me", token=token)
            assert sent[0].headers["Authorization"].startswith("OAuth ")
            return
        with pytest.raises(InsecureTransportError) as caught:
            site.client().get("me", token=token)
    assert caught.value.error == "insecure_transport"
    assert sent == []


@pytest.mark.parametrize("endpoint", ["request_token_url", "access_token_url"])
@pytest.mark.parametrize("method", ["PLAINTEXT", "HMAC-SHA1"])
def test_http_endpoint_of_another_host(
    make_oauth1_site: MakeSite, endpoint: str, method: str
) -> None:
    site = make_oauth1_site(
        register={
            "client_kwargs": {"signature_method": method},
            endpoint: "http://provider.test/token",
        }
    )
    given = {"oauth_token": "a", "oauth_token_secret": "b"}
    calls = {
        "request_token_url": lambda client: client.create_authorization_url(site.callback_url()),
        "access_token_url": lambda client: client.fetch_access_token(given, oauth_verifier="v"),
    }
    with pytest.raises(OAuthError) as caught:
        calls[endpoint](site.client())
    assert caught.value.error == "insecure_transport"
    assert site.line.requests == []
