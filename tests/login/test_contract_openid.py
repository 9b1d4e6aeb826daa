"""OpenID Connect as users of the established client write it: section 5 of the contract."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import joserfc.errors
import pytest
from flask import session

from flask_oauthclient import OAuth
from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.oidc import CodeIDToken
from flask_oauthclient.testing.provider import KeyRing
from flask_oauthclient.testing.provider.jws import sign
from flask_oauthclient.testing.provider.token_fault import TokenDraft
from tests.helpers.leaks import Watch
from tests.helpers.urls import query_of

from ._authlib_style import CLIENT
from ._authlib_style import TOKEN
from ._authlib_style import Double
from ._authlib_style import id_token
from ._authlib_style import make_app
from ._authlib_style import mocked
from ._authlib_style import sending

METADATA_URL = "https://provider.test/.well-known/openid-configuration"
METADATA = {
    "issuer": "https://provider.test",
    "authorization_endpoint": "https://provider.test/authorize",
    "token_endpoint": "https://provider.test/token",
    "jwks_uri": "https://provider.test/keys",
    "userinfo_endpoint": "https://provider.test/me",
    "end_session_endpoint": "https://provider.test/bye",
}
KINDS = pytest.mark.parametrize("kind", [Double, mocked])


def make(**register: Any) -> OAuth:
    oauth = OAuth(make_app())
    oauth.register("dev", **{**CLIENT, **register})
    return oauth


def discovered(**register: Any) -> OAuth:
    """A client that knows of its provider by discovery only."""
    oauth = OAuth(make_app())
    settings = {"client_id": "dev", "client_secret": "the-dev-secret", **register}
    oauth.register("dev", server_metadata_url=METADATA_URL, **settings)
    return oauth


def answers(keys: KeyRing, kind: Callable[[Any], Any] = Double) -> Callable[[Any], Any]:
    """The answers of a provider whose metadata name its keys."""
    documents = {METADATA_URL: METADATA, METADATA["jwks_uri"]: keys.document()}
    return lambda request: kind(documents[request.url])


# -- metadata and keys --------------------------------------------------------------------


@KINDS
def test_metadata_then_keys_in_exactly_two_sends(kind: Any, provider_keys: KeyRing) -> None:
    oauth = discovered()
    token = {"id_token": id_token(provider_keys, nonce="n")}
    with sending(answers(provider_keys, kind)) as sent:
        for _ in range(3):
            user = oauth.dev.parse_id_token(token, nonce="n")
            assert user.sub == "123"
    assert [request.url for request in sent] == [METADATA_URL, METADATA["jwks_uri"]]


def test_load_server_metadata_gives_the_live_dict(provider_keys: KeyRing) -> None:
    oauth = discovered()
    with sending(answers(provider_keys)):
        metadata = oauth.dev.load_server_metadata()
    assert metadata is oauth.dev.server_metadata
    assert time.time() - metadata["_loaded_at"] < 5
    assert {name: metadata[name] for name in METADATA} == METADATA


def test_discovery_changes_nothing_that_was_registered(provider_keys: KeyRing) -> None:
    oauth = discovered(userinfo_endpoint="https://provider.test/mine", scopes_supported=["openid"])
    with sending(answers(provider_keys)):
        metadata = oauth.dev.load_server_metadata()
    assert metadata["userinfo_endpoint"] == "https://provider.test/mine"
    assert metadata["scopes_supported"] == ["openid"]


@pytest.mark.parametrize("status", [404, 500])
def test_metadata_that_cannot_be_had(status: int) -> None:
    oauth = discovered()
    with sending(lambda request: Double({}, status)), pytest.raises(OAuthError):
        oauth.dev.load_server_metadata()


def test_metadata_without_an_issuer_are_tolerated_with_a_warning(
    provider_keys: KeyRing, watch: Watch
) -> None:
    oauth = discovered()
    document = {k: v for k, v in METADATA.items() if k != "issuer"}
    with sending(lambda request: Double(document)):
        assert oauth.dev.load_server_metadata()["issuer"] == "https://provider.test"
    assert watch.logged("names no issuer")


def test_fetch_jwk_set(provider_keys: KeyRing) -> None:
    oauth = make(jwks_uri=METADATA["jwks_uri"])
    with sending(answers(provider_keys)) as sent:
        assert oauth.dev.fetch_jwk_set() == provider_keys.document()
        oauth.dev.fetch_jwk_set()
        assert len(sent) == 1
        oauth.dev.fetch_jwk_set(force=True)
        assert len(sent) == 2


def test_fetch_jwk_set_of_the_registration(provider_keys: KeyRing) -> None:
    with sending(lambda request: pytest.fail("not asked")):
        assert make(jwks=provider_keys.document()).dev.fetch_jwk_set() == provider_keys.document()


def test_fetch_jwk_set_without_a_place() -> None:
    with pytest.raises(RuntimeError, match='Missing "jwks_uri" in metadata'):
        make().dev.fetch_jwk_set()


# -- ID tokens ----------------------------------------------------------------------------


def verifying(keys: KeyRing, **register: Any) -> Any:
    """A client that has the provider's keys in its registration."""
    known = {"issuer": "https://provider.test"}
    return make(jwks=keys.document(), server_metadata=known, **register).dev


def test_response_without_id_token() -> None:
    assert make().dev.parse_id_token({"access_token": "a"}, nonce="n") is None


def test_claims_are_attributes(provider_keys: KeyRing) -> None:
    token = {"id_token": id_token(provider_keys, name="Ann", email="ann@example.com")}
    user = verifying(provider_keys).parse_id_token(token, nonce=None)
    assert isinstance(user, dict)
    assert (user.sub, user["email"], user.name, user.picture) == (
        "123",
        "ann@example.com",
        "Ann",
        None,
    )
    with pytest.raises(AttributeError):
        user.made_up  # noqa: B018


@pytest.mark.parametrize(
    ("changes", "nonce", "kind"),
    [
        ({"exp": 1}, None, joserfc.errors.ExpiredTokenError),
        ({"nonce": "other"}, "n", joserfc.errors.InvalidClaimError),
        ({"aud": "other"}, None, joserfc.errors.InvalidClaimError),
        ({"iss": "https://evil.test"}, None, joserfc.errors.InvalidClaimError),
        ({"aud": ["other"], "azp": "dev"}, None, joserfc.errors.InvalidClaimError),
        ({"sub": None}, None, joserfc.errors.MissingClaimError),
        ({"nonce_supported": False}, "n", joserfc.errors.MissingClaimError),
    ],
)
def test_errors_are_those_of_joserfc_too(
    provider_keys: KeyRing, changes: dict[str, Any], nonce: str | None, kind: type[Exception]
) -> None:
    token = {"id_token": id_token(provider_keys, **changes)}
    with pytest.raises(kind) as caught:
        verifying(provider_keys).parse_id_token(token, nonce=nonce)
    assert isinstance(caught.value, OAuthError)


def test_signature_errors_are_those_of_joserfc_too(provider_keys: KeyRing) -> None:
    client = verifying(provider_keys)
    good = id_token(provider_keys)
    head, payload, signature = good.split(".")
    flipped = signature[:-2] + ("AA" if signature[-2:] != "AA" else "BB")
    for token, kind in (
        (f"{head}.{payload}.{flipped}", joserfc.errors.BadSignatureError),
        ("garbage", joserfc.errors.DecodeError),
        (id_token(KeyRing()), joserfc.errors.InvalidKeyIdError),
    ):
        with pytest.raises(kind):
            client.parse_id_token({"id_token": token}, nonce=None)


def test_claims_options_add_to_the_checks(provider_keys: KeyRing) -> None:
    client = verifying(provider_keys)
    token = {"id_token": id_token(provider_keys, hd="example.com")}
    options: dict[str, Any] = {"hd": {"essential": True, "values": ["example.com"]}}
    assert client.parse_id_token(token, nonce=None, claims_options=options).sub == "123"
    with pytest.raises(joserfc.errors.InvalidClaimError):
        client.parse_id_token(token, nonce=None, claims_options={"hd": {"value": "other.test"}})
    evil = {"id_token": id_token(provider_keys, hd="example.com", iss="https://evil.test")}
    with pytest.raises(joserfc.errors.InvalidClaimError):
        client.parse_id_token(evil, nonce=None, claims_options=options)


def test_hook_of_claims_options_runs_at_every_login(provider_keys: KeyRing) -> None:
    client, seen = verifying(provider_keys), []

    def validate(claims: Any, value: Any) -> bool:
        seen.append(value)
        return True

    options = {"sub": {"validate": validate}}
    for _ in range(3):
        client.parse_id_token({"id_token": id_token(provider_keys)}, None, claims_options=options)
    assert seen == ["123"] * 3
    assert options == {"sub": {"validate": validate}}


def test_class_of_claims_may_change_what_the_application_gets(provider_keys: KeyRing) -> None:
    class Claims(CodeIDToken):
        def validate(self, now: float | None = None, leeway: float = 0) -> None:
            super().validate(now, leeway)
            self["tenant"] = "acme"

    token = {"id_token": id_token(provider_keys, nonce="n")}
    user = verifying(provider_keys).parse_id_token(token, nonce="n", claims_cls=Claims)

    assert user is not None
    assert (user["tenant"], user["nonce"]) == ("acme", "n")


def test_class_of_claims_may_be_given(provider_keys: KeyRing) -> None:
    seen: list[Any] = []

    class Claims:
        def __init__(
            self, claims: Any, header: Any, options: Any = None, params: Any = None
        ) -> None:
            seen.append((claims["sub"], header["alg"], options, params))

        def validate(self, now: Any = None, leeway: Any = 0) -> None:
            seen.append(leeway)

    token = {"id_token": id_token(provider_keys, nonce="n")}
    user = verifying(provider_keys).parse_id_token(token, nonce="n", claims_cls=Claims, leeway=5)
    assert user.sub == "123"
    assert seen == [("123", "RS256", None, {"nonce": "n", "client_id": "dev"}), 5]


def test_shared_key_in_code_verifies_hs256(watch: Watch) -> None:
    import base64

    secret = "a shared secret of more than 32 bytes"
    encoded = base64.urlsafe_b64encode(secret.encode()).rstrip(b"=").decode()
    watch.secret(secret, encoded)
    now = int(time.time())
    claims = {"iss": "https://provider.test", "sub": "1", "aud": "dev", "iat": now, "exp": now + 9}
    token = TokenDraft({"alg": "HS256"}, claims, lambda data: sign("HS256", secret, data)).compact()
    jwks = {"keys": [{"kty": "oct", "k": encoded, "alg": "HS256"}]}
    client = make(jwks=jwks, server_metadata={"issuer": "https://provider.test"}).dev
    assert client.parse_id_token({"id_token": token}, nonce=None).sub == "1"


def test_discovered_keys_never_verify_hs256(provider_keys: KeyRing) -> None:
    oauth = discovered()
    public = str(provider_keys.document()["keys"][0])
    now = int(time.time())
    claims = {"iss": "https://provider.test", "sub": "1", "aud": "dev", "iat": now, "exp": now + 9}
    token = TokenDraft({"alg": "HS256"}, claims, lambda data: sign("HS256", public, data)).compact()
    with sending(answers(provider_keys)), pytest.raises(joserfc.errors.UnsupportedAlgorithmError):
        oauth.dev.parse_id_token({"id_token": token}, nonce=None)


# -- userinfo -----------------------------------------------------------------------------


@KINDS
def test_userinfo(kind: Any) -> None:
    oauth = make(userinfo_endpoint="https://resource.test/me", fetch_token=lambda: TOKEN)
    with (
        sending(lambda request: kind({"sub": "123", "name": "Ann"})) as sent,
        oauth.app.test_request_context(),
    ):
        assert oauth.dev.userinfo().name == "Ann"
        assert oauth.dev.userinfo(token={**TOKEN, "access_token": "other"})["sub"] == "123"
    assert [request.headers["Authorization"] for request in sent] == [
        "Bearer the-access-token",
        "Bearer other",
    ]


@pytest.mark.parametrize("kind", [KeyError, RuntimeError, OAuthError])
def test_userinfo_without_a_place(kind: type[Exception]) -> None:
    oauth = make(fetch_token=lambda: TOKEN)
    with oauth.app.test_request_context(), pytest.raises(kind):
        oauth.dev.userinfo()


# -- logout -------------------------------------------------------------------------------

BYE = {"end_session_endpoint": "https://provider.test/bye?x=1"}


def test_create_logout_url() -> None:
    request = make(**BYE).dev.create_logout_url(
        "https://rp.test/",
        id_token_hint="the-id-token",
        client_id="dev",
        ui_locales="de",
        other="x",
    )
    query = query_of(request["url"])
    assert request.keys() == {"url", "state"}
    assert len(request["state"]) == 20
    assert query == {
        "x": ["1"],
        "id_token_hint": ["the-id-token"],
        "post_logout_redirect_uri": ["https://rp.test/"],
        "state": [request["state"]],
        "client_id": ["dev"],
        "ui_locales": ["de"],
    }


@pytest.mark.parametrize("state", [None, "given"])
def test_create_logout_url_without_a_place_to_return_to(state: str | None) -> None:
    request = make(**BYE).dev.create_logout_url(state=state)
    assert request["state"] == state
    assert "state" not in query_of(request["url"])


def test_create_logout_url_without_an_endpoint() -> None:
    with pytest.raises(RuntimeError, match='Missing "end_session_endpoint" in metadata'):
        make().dev.create_logout_url()


def test_logout_redirect_and_return() -> None:
    oauth = make(**BYE)
    with oauth.app.test_request_context():
        response = oauth.dev.logout_redirect(
            "https://rp.test/", id_token_hint="hint", state="given"
        )
        kept = dict(session)
    assert response.status_code == 302
    assert kept["_state_dev_given"]["data"] == {"post_logout_redirect_uri": "https://rp.test/"}
    with oauth.app.test_request_context("/?state=given"):
        session.update(kept)
        data = oauth.dev.validate_logout_response()
        assert data == {"post_logout_redirect_uri": "https://rp.test/"}
        assert not session


def test_logout_redirect_without_a_place_keeps_nothing() -> None:
    oauth = make(**BYE)
    with oauth.app.test_request_context():
        oauth.dev.logout_redirect()
        assert not session


@pytest.mark.parametrize("query", ["", "?state=", "?state=unknown"])
def test_return_from_no_logout(query: str) -> None:
    oauth = make(**BYE)
    with oauth.app.test_request_context(f"/{query}"), pytest.raises(OAuthError):
        oauth.dev.validate_logout_response()


def test_return_without_a_state_says_so() -> None:
    oauth = make(**BYE)
    with (
        oauth.app.test_request_context("/"),
        pytest.raises(OAuthError, match='Missing "state" parameter'),
    ):
        oauth.dev.validate_logout_response()
