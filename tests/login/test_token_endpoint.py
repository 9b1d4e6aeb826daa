"""What the token endpoint answers: the rows T that show in a login."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

import pytest

from flask_oauthclient.protocol.errors import IDTokenError
from flask_oauthclient.protocol.errors import TokenRequestError
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider.token_fault import TokenDraft
from tests.helpers.cases import Case
from tests.helpers.cases import Cases
from tests.helpers.rejection import PROVIDER_TEXT
from tests.helpers.rejection import assert_rejected
from tests.helpers.rejection import assert_typed
from tests.helpers.site import CLIENT_ID
from tests.helpers.site import ISSUER
from tests.helpers.site import Site
from tests.helpers.world import World

cases = Cases()


def answering(world: World, **changes: Any) -> Site:
    """A site whose provider sends other members in its token response; ``None`` takes one out."""
    world.provider.faults.on("token").edit_json(
        lambda token: {k: v for k, v in {**token, **changes}.items() if v is not None}
    )
    return world.make_site()


@cases.rows(
    "T16",
    {
        "number": (3600, 3600),
        "text": ("3600", 3600),
        "fraction": (3600.5, 3600),
        "text-fraction": ("3600.5", 3600),
        "negative": (-1, None),
        "true": (True, None),
        "word": ("abc", None),
        "empty": ("", None),
        "list": ([3600], None),
        "object": ({"seconds": 3600}, None),
        "absent": (None, None),
        "zero": (0, None),
        "far": (10**10, 315_360_000),
        "1e300": (1e300, 315_360_000),
    },
)
def lifetime(world: World, values: tuple[Any, int | None]) -> None:
    sent, seconds = values
    site = answering(world, expires_in=sent)
    begin = int(time.time())
    assert site.login().status_code == 200
    expires_at = site.token.get("expires_at")
    if seconds is None:
        assert expires_at is None or expires_at <= time.time()
    else:
        assert begin + seconds <= expires_at <= time.time() + seconds
    with site.in_request():
        assert site.client().userinfo(token=site.token)["sub"] == "alice"


@cases.rows(
    "T16-no-json", {"nan": "NaN", "infinity": "Infinity", "minus": "-Infinity", "1e999": "1e999"}
)
def lifetime_that_json_does_not_know(world: World, text: str) -> None:
    site = world.make_site()
    with (
        world.provider.faults.on("token")
        .edit_json(lambda t: {**t, "expires_in": "@"})
        .edit(lambda answer: answer.with_body(answer.body.replace(b'"@"', text.encode())))
    ):
        response = site.login()
    assert response.status_code == 502
    assert_typed(site.error, "invalid_response")


@cases.row("T17")
def absent_scope_is_the_one_asked_for(world: World) -> None:
    site = answering(world, scope=None)
    site.login()
    assert site.token["scope"] == "openid profile email"


@cases.row("T17-of-the-call")
def absent_scope_is_the_one_that_the_call_asked_for(world: World) -> None:
    site = answering(world, scope=None)
    site.login(scope="openid api")
    assert site.token["scope"] == "openid api"
    site.login(scope=["openid", "email"])
    assert site.token["scope"] == "openid email"


@cases.row("T17-none-asked-for")
def absent_scope_when_none_was_asked_for(world: World) -> None:
    world.provider.faults.on("token").edit_json(
        lambda t: {k: v for k, v in t.items() if k != "scope"}
    )
    site = world.make_site(register={"client_kwargs": {}})
    site.login()
    assert "scope" not in site.token


WIDER = "scope is wider"


@cases.rows(
    "T18",
    {
        "narrower": ("openid", False),
        "same": ("openid profile email", False),
        "other-order": ("email openid profile", False),
        "wider": ("openid profile email api admin", True),
        "other": ("openid admin", True),
    },
)
def other_scope(world: World, values: tuple[str, bool]) -> None:
    scope, is_wider = values
    site = answering(world, scope=scope)
    site.login()
    assert site.token["scope"] == scope
    assert world.watch.logged(WIDER) is is_wider


@cases.row("T18-of-the-call")
def scope_that_the_call_asked_for_is_not_wider(world: World) -> None:
    site = world.make_site()
    assert site.login(scope="openid api").status_code == 200
    assert site.token["scope"] == "openid api"
    assert not world.watch.logged(WIDER)


@cases.row("T18-list")
def scope_as_a_list(world: World) -> None:
    site = world.make_site(register={"client_kwargs": {"scope": ["openid", "email"]}})
    site.login()
    assert site.token["scope"] == "openid email"
    assert not world.watch.logged(WIDER)


@cases.rows(
    "T20",
    {
        "alone": {"error": "invalid_grant"},
        "with-token": {"error": "invalid_grant", "access_token": "t", "token_type": "Bearer"},
    },
)
def error_with_status_200(world: World, document: dict[str, str]) -> None:
    more = {"error_description": PROVIDER_TEXT, "error_uri": "https://op.test/help"}
    world.provider.faults.on("token").respond_json({**document, **more})
    site = world.make_site()
    error = assert_rejected(site, site.begin(), "invalid_grant", sent=["/token"])
    assert isinstance(error, TokenRequestError)
    assert error.detail["error_description"] == PROVIDER_TEXT


@cases.rows(
    "T20-odd", {"number": 5, "list": ["x"], "object": {}, "text": PROVIDER_TEXT, "null": None}
)
def error_that_is_no_code(world: World, error: Any) -> None:
    world.provider.faults.on("token").respond_json({"error": error})
    site = world.make_site()
    response = site.login()
    assert response.status_code == 502
    assert site.error.error in ("invalid_response", "missing_access_token")
    assert site.tokens == []


@cases.rows(
    "T21",
    {
        "empty": (b"", "text/plain"),
        "html": (b"<h1>so says the provider</h1>", "text/html"),
        "no-type": (b"", ""),
        "json": (b'{"error": "invalid_client"}', "application/json"),
    },
)
def refusal_by_basic_authentication(world: World, body: tuple[bytes, str]) -> None:
    content, kind = body
    headers = {"WWW-Authenticate": 'Basic realm="op"', "Content-Type": kind}
    world.provider.faults.on("token").respond(401, content, headers)
    site = world.make_site()
    assert_rejected(site, site.begin(), "invalid_client", sent=["/token"])


SECRETS = {
    "specials": "p:\u00e4 %+&",
    "percent": "100%25",
    "plus": "a+b c",
    "colon": ":::::::",
    "unicode": "\u4e16\u754c\u0000\U0001f600",
    "equals": "a=b&c=d;e",
    "unreserved": "AZaz09-._~",
}


@cases.rows("T24", SECRETS)
def secret_with_anything_in_it(world: World, secret: str) -> None:
    world.watch.secret(secret)
    site = world.make_site(register={"client_secret": secret})
    uris = world.provider.clients[CLIENT_ID].redirect_uris
    world.provider.add_client(ClientRecord(CLIENT_ID, secret, redirect_uris=uris))
    assert site.login().status_code == 200, site.errors
    header = world.provider.log.find("token")[0].headers["Authorization"]
    name, _, encoded = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
    assert (unquote_plus(name), unquote_plus(encoded)) == (CLIENT_ID, secret)


@cases.rows("T24-post", SECRETS)
def secret_in_the_form(world: World, secret: str) -> None:
    world.watch.secret(secret)
    register = {"client_secret": secret, "token_endpoint_auth_method": "client_secret_post"}
    site = world.make_site(register=register)
    uris = world.provider.clients[CLIENT_ID].redirect_uris
    world.provider.add_client(ClientRecord(CLIENT_ID, secret, redirect_uris=uris))
    assert site.login().status_code == 200, site.errors
    record = world.provider.log.find("token")[0]
    assert record.form["client_secret"] == secret
    assert "Authorization" not in record.headers


def id_token(world: World, **changes: Any) -> str:
    """An ID token of the provider for a login that asked for none."""
    now = int(time.time())
    claims = {"iss": ISSUER, "sub": "alice", "aud": CLIENT_ID, "iat": now, "exp": now + 60}
    key = world.provider.keys.signing_key("RS256")
    token = TokenDraft({"alg": "RS256", "kid": key.kid}, {**claims, **changes}, key.sign).compact()
    world.watch.secret(token)
    return token


def plain_site(world: World, token: Any, **register: Any) -> Site:
    """A site that asks for no ID token, at a provider that sends one all the same."""
    world.provider.faults.on("token").edit_json(lambda t: {**t, "id_token": token})
    return world.make_site(register={"client_kwargs": {"scope": "api"}, **register})


@cases.row("T28-verified")
def id_token_in_a_plain_login_is_verified(world: World) -> None:
    site = plain_site(world, id_token(world))
    assert site.login().json()["user"] == "alice"


@cases.rows(
    "T28-forged",
    {
        "signature": lambda world: id_token(world)[:-8] + "AAAAAAAA",
        "unsigned": lambda world: TokenDraft({"alg": "none"}, {"sub": "eve"}, bytes).compact(),
        "audience": lambda world: id_token(world, aud="other"),
        "issuer": lambda world: id_token(world, iss="https://evil.test"),
        "expired": lambda world: id_token(world, exp=1),
        "garbage": lambda world: "garbage",
        "number": lambda world: 5,
        "object": lambda world: {"sub": "eve"},
    },
)
def forged_id_token_in_a_plain_login_is_rejected(
    world: World, forge: Callable[[World], Any]
) -> None:
    site = plain_site(world, forge(world))
    assert site.login().status_code == 502
    assert isinstance(site.error, IDTokenError)
    assert site.tokens == []


@cases.row("T28-null")
def id_token_that_is_null_is_none(world: World) -> None:
    site = plain_site(world, None)
    assert site.login().json()["user"] is None
    assert "userinfo" not in site.token


@cases.row("T28-no-keys")
def id_token_that_nobody_can_check_is_dropped(world: World) -> None:
    urls = {"authorize_url": f"{ISSUER}/authorize", "access_token_url": f"{ISSUER}/token"}
    site = plain_site(world, id_token(world, sub="eve"), issuer=None, **urls)
    assert site.login().json()["user"] is None
    assert "userinfo" not in site.token
    assert "id_token" not in site.token


@cases.row("T30")
def cookies_of_the_provider_are_not_sent_back(world: World) -> None:
    site = world.make_site()
    for point in ("discovery", "jwks", "token", "userinfo", "api"):
        world.provider.faults.on(point).header("Set-Cookie", "who=alice; Path=/; Secure")
    for _ in range(2):
        site.login()
        with site.in_request():
            site.client().userinfo(token=site.token)
            site.client().get(f"{ISSUER}/api/me", token=site.token)
    assert len(site.outbound.requests) > 6
    assert not any("Cookie" in request.headers for request in site.outbound.requests)
    assert len(site.client().session.cookies) == 0


@cases.rows(
    "T36",
    {
        "client": {"client_id": "other"},
        "issuer": {"iss": "https://evil.test", "issuer": "https://evil.test"},
        "redirect": {"redirect_uri": "https://evil.test/"},
        "userinfo": {"userinfo": {"sub": "mallory"}},
        "extra": {"extra": {"next": "//evil.test"}},
    },
)
def members_that_mean_nothing(world: World, members: dict[str, Any]) -> None:
    site = answering(world, **members)
    assert site.login().json() == {"user": "alice", "extra": None}
    assert site.token["userinfo"]["sub"] == "alice"
    assert site.client().client_id == CLIENT_ID
    assert site.client().server.issuer == ISSUER


@cases.rows("T36-plain", {"userinfo": {"sub": "mallory"}, "extra": {"next": "//evil.test"}})
def members_that_are_ours_in_a_plain_login(world: World, value: dict[str, str]) -> None:
    world.provider.faults.on("token").edit_json(lambda t: {**t, "userinfo": value, "extra": value})
    site = world.make_site(register={"client_kwargs": {"scope": "api"}})
    assert site.login().json() == {"user": None, "extra": None}
    with site.in_request():
        fresh = site.client().refresh_token(site.token)
    assert not {"userinfo", "extra"} & fresh.keys()


EVIL = {
    "issuer": "https://evil.test",
    "token_endpoint": "https://evil.test/token",
    "authorization_endpoint": "https://evil.test/authorize",
}


@cases.row("T37")
def secret_is_not_sent_to_another_issuer(world: World) -> None:
    world.provider.faults.on("discovery").edit_json(lambda d: {**d, **EVIL})
    site = world.make_site()
    assert site.send_login().status_code == 502
    assert_typed(site.error, "issuer_mismatch")
    assert site.outbound.paths == ["/.well-known/openid-configuration"]


@cases.row("T37-later")
def secret_is_not_sent_to_an_issuer_that_comes_later(world: World) -> None:
    site = world.make_site()
    visit = site.begin()
    world.provider.faults.on("discovery").edit_json(lambda d: {**d, **EVIL})
    document = site.client().server._document
    document._clock = lambda: time.monotonic() + 7200
    assert site.finish(visit).status_code == 200  # with the metadata that were good
    assert site.login().status_code == 200
    assert not any("evil" in (request.url or "") for request in site.outbound.requests)
    assert site.client().server_metadata["issuer"] == ISSUER


@pytest.mark.parametrize("case", cases.params())
def test_token_endpoint(case: Case, world: World) -> None:
    case(world)
