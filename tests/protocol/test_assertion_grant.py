"""Assertions as grants: JWT bearer (RFC 7523 section 2.1) and SAML bearer (RFC 7522)."""

from __future__ import annotations

import base64
import time
from typing import Any
from typing import ClassVar
from urllib.parse import parse_qsl

import pytest

from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import ProviderResponseError
from flask_oauthclient.protocol.errors import TokenRequestError
from flask_oauthclient.protocol.errors import UnknownOptionError
from flask_oauthclient.protocol.messages import Purpose
from flask_oauthclient.protocol.messages import Request
from flask_oauthclient.protocol.oauth2.assertion import JWT_BEARER_GRANT_TYPE
from flask_oauthclient.protocol.oauth2.assertion import SAML2_BEARER_GRANT_TYPE
from flask_oauthclient.protocol.oauth2.assertion import AssertionClient
from flask_oauthclient.protocol.oauth2.assertion import assertion_exchange
from flask_oauthclient.protocol.oauth2.assertion import sign_jwt_bearer_assertion
from flask_oauthclient.protocol.oauth2.client_auth import ClientAuth
from tests.helpers.clock import Clock
from tests.helpers.leaks import Watch
from tests.protocol._answers import answer
from tests.protocol._answers import drive
from tests.protocol._assertions import SECRET
from tests.protocol._assertions import jwk
from tests.protocol._assertions import kind_for
from tests.protocol._assertions import pem
from tests.protocol._assertions import private_key
from tests.protocol._assertions import read

ENDPOINT = "https://op.test/token"
GOOD = answer({"access_token": "a", "token_type": "Bearer", "expires_in": 60})
SAML = '<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">\u00e4</saml:Assertion>'


def form(request: Request) -> dict[str, str]:
    """The form of a request; no name may come twice."""
    pairs = parse_qsl(request.body or "", keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def sent(exchange: Any) -> dict[str, str]:
    """The form that an exchange sends; it has to end with a token."""
    token, (request,) = drive(exchange, GOOD)
    assert token["access_token"] == "a"
    assert (request.purpose, request.method, request.url) == (Purpose.TOKEN, "POST", ENDPOINT)
    return form(request)


# -- the assertion -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "alg",
    [
        *(f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)),
        "EdDSA",
        "Ed25519",
    ],
)
@pytest.mark.parametrize("place", ["argument", "header"])
def test_private_key_signs_with_every_algorithm(alg: str, place: str) -> None:
    key = private_key(kind_for(alg))
    asked: dict[str, Any] = {"alg": alg} if place == "argument" else {"header": {"alg": alg}}

    header, claims = read(sign_jwt_bearer_assertion(pem(key), "iss", "aud", **asked), key)

    assert header == {"alg": alg, "typ": "JWT"}
    assert (claims["iss"], claims["aud"]) == ("iss", "aud")


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("place", ["argument", "header"])
def test_secret_signs_with_the_algorithm_asked_for(alg: str, place: str) -> None:
    asked: dict[str, Any] = {"alg": alg} if place == "argument" else {"header": {"alg": alg}}

    header, _ = read(sign_jwt_bearer_assertion(SECRET, "iss", "aud", **asked), SECRET)

    assert header["alg"] == alg


def test_secret_without_an_algorithm_is_a_value_error(watch: Watch) -> None:
    watch.secret(SECRET)

    with pytest.raises(ValueError, match="alg") as caught:
        sign_jwt_bearer_assertion(SECRET, "iss", "aud")

    assert isinstance(caught.value, InvalidSettingError)


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (lambda: pem(private_key("RSA")), "HS256"),
        (lambda: pem(private_key("RSA")), "ES256"),
        (lambda: pem(private_key("RSA-1024")), None),
        (lambda: SECRET, "RS256"),
        (lambda: SECRET, "none"),
        (lambda: None, None),
        (lambda: "", "HS256"),
    ],
)
def test_key_and_algorithm_have_to_fit(key: Any, alg: str | None) -> None:
    with pytest.raises(InvalidSettingError):
        sign_jwt_bearer_assertion(key(), "iss", "aud", alg=alg)


@pytest.mark.parametrize(("issuer", "audience"), [(None, "aud"), ("", "aud"), ("iss", None)])
def test_issuer_and_audience_are_required(issuer: Any, audience: Any) -> None:
    with pytest.raises(InvalidSettingError):
        sign_jwt_bearer_assertion(SECRET, issuer, audience, alg="HS256")


def test_claims_are_these_and_no_others(clock: Clock) -> None:
    key = private_key("P-256")

    header, claims = read(sign_jwt_bearer_assertion(jwk(key, kid="k"), "iss", "aud", "sub"), key)

    jti, now = claims.pop("jti"), int(time.time())
    assert len(jti) == 36
    assert header == {"alg": "ES256", "typ": "JWT", "kid": "k"}
    assert claims == {"iss": "iss", "sub": "sub", "aud": "aud", "iat": now, "exp": now + 3600}


@pytest.mark.parametrize(
    ("times", "iat", "exp"),
    [
        ({}, 0, 3600),
        ({"expires_in": 60}, 0, 60),
        ({"issued_at": 5}, 5, 3605),
        ({"issued_at": 0}, 0, 3600),
        ({"issued_at": 5, "expires_at": 7, "expires_in": 60}, 5, 7),
        ({"issued_at": 5, "expires_in": 86400}, 5, 86405),
    ],
)
def test_times(times: dict[str, int], iat: int, exp: int, clock: Clock) -> None:
    now = 0 if "issued_at" in times else int(time.time())

    _, claims = read(sign_jwt_bearer_assertion(SECRET, "iss", "aud", alg="HS256", **times), SECRET)

    assert (claims["iat"] - now, claims["exp"] - now) == (iat, exp)


@pytest.mark.parametrize("expires_in", [0, -1, True, "60", float("nan"), float("inf"), None])
def test_lifetime_that_is_none_is_refused(expires_in: Any) -> None:
    with pytest.raises(InvalidSettingError):
        sign_jwt_bearer_assertion(SECRET, "iss", "aud", alg="HS256", expires_in=expires_in)


def test_claims_and_header_of_the_user_are_added_and_never_changed() -> None:
    claims: dict[str, Any] = {"scope": "a b", "sub": "other"}
    header = {"kid": "mine"}
    made = [
        read(
            sign_jwt_bearer_assertion(
                SECRET, "iss", "aud", "sub", claims=claims, header=header, alg="HS256"
            ),
            SECRET,
        )
        for _ in range(50)
    ]

    assert {found["sub"] for _, found in made} == {"other"}
    assert {found["scope"] for _, found in made} == {"a b"}
    assert len({found["jti"] for _, found in made}) == 50
    assert made[0][0] == {"alg": "HS256", "typ": "JWT", "kid": "mine"}
    assert (claims, header) == ({"scope": "a b", "sub": "other"}, {"kid": "mine"})


# -- the request -------------------------------------------------------------------------------


def _service(**more: Any) -> AssertionClient:
    return AssertionClient(
        ENDPOINT, issuer="iss", subject="sub", key=pem(private_key("RSA")), **more
    )


def test_jwt_bearer_request() -> None:
    sending = sent(_service(scope=["a", "b"]).assertion_exchange())

    _, claims = read(sending.pop("assertion"), private_key("RSA"))
    assert sending == {"grant_type": JWT_BEARER_GRANT_TYPE, "scope": "a b"}
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("iss", "sub", ENDPOINT)


def test_client_names_itself_only_if_it_has_a_name() -> None:
    assert "client_id" not in sent(_service().assertion_exchange())
    assert sent(_service(client_id="me").assertion_exchange())["client_id"] == "me"


def test_signer_options_reach_the_signer(clock: Clock) -> None:
    client = _service(
        audience="urn:aud",
        claims={"x": 1},
        header={"kid": "k"},
        alg="PS256",
        issued_at=5,
        expires_in=10,
    )

    header, claims = read(sent(client.assertion_exchange())["assertion"], private_key("RSA"))

    assert header == {"alg": "PS256", "typ": "JWT", "kid": "k"}
    assert (claims["aud"], claims["x"], claims["iat"], claims["exp"]) == ("urn:aud", 1, 5, 15)


def test_every_request_has_an_assertion_of_its_own() -> None:
    client = _service()

    made = [sent(client.assertion_exchange())["assertion"] for _ in range(5)]

    assert len({read(one, private_key("RSA"))[1]["jti"] for one in made}) == 5


def test_session_attributes_can_be_changed() -> None:
    client = _service()
    client.subject, client.scope = "another", "c"

    sending = sent(client.assertion_exchange())

    assert sending["scope"] == "c"
    assert read(sending["assertion"], private_key("RSA"))[1]["sub"] == "another"


@pytest.mark.parametrize("kind", ["text", "bytes", "indented", "byte-order-mark", "callable"])
def test_saml_assertion_is_encoded(kind: str) -> None:
    given: Any = {
        "text": SAML,
        "bytes": SAML.encode(),
        "indented": f"\n  {SAML}\n",
        "byte-order-mark": f"\ufeff{SAML}",
        "callable": lambda: SAML,
    }[kind]
    client = AssertionClient(
        ENDPOINT, grant_type=AssertionClient.SAML2_BEARER_GRANT_TYPE, assertion=given
    )

    sending = sent(client.assertion_exchange(scope="a"))

    encoded = sending.pop("assertion")
    assert sending == {"grant_type": SAML2_BEARER_GRANT_TYPE, "scope": "a"}
    assert not set(encoded) & set("+/=\n")
    decoded = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    assert decoded.decode("utf-8-sig") == SAML


@pytest.mark.parametrize("assertion", ["PHNhbWw", "PHNhbWw=", b"PHNhbWw", "a.b.c"])
def test_assertion_that_is_encoded_is_sent_as_it_is(assertion: Any) -> None:
    sending = sent(assertion_exchange(ENDPOINT, SAML2_BEARER_GRANT_TYPE, assertion))

    assert sending["assertion"] == (
        assertion.decode() if isinstance(assertion, bytes) else assertion
    )


@pytest.mark.parametrize("assertion", ["", "  ", b"", None, 5, "\u00e4", lambda: None, lambda: ""])
def test_assertion_that_is_none_is_refused(assertion: Any) -> None:
    with pytest.raises(InvalidSettingError):
        next(assertion_exchange(ENDPOINT, SAML2_BEARER_GRANT_TYPE, assertion))


def test_finished_assertion_is_sent_for_the_jwt_grant_too() -> None:
    client = AssertionClient(ENDPOINT, assertion="a.b.c")

    assert sent(client.assertion_exchange()) == {
        "grant_type": JWT_BEARER_GRANT_TYPE,
        "assertion": "a.b.c",
    }


def test_subclass_may_add_a_signer() -> None:
    class Own(AssertionClient):
        ASSERTION_METHODS = {  # noqa: RUF012
            **AssertionClient.ASSERTION_METHODS,
            "urn:own": lambda *, issuer, key, colour, **_: f"{issuer}.{key}.{colour}",
        }

    client = Own(ENDPOINT, "iss", grant_type="urn:own", key="k", colour="red")

    assert sent(client.assertion_exchange())["assertion"] == "iss.k.red"


def test_grant_that_nobody_signs_for_needs_an_assertion() -> None:
    with pytest.raises(InvalidSettingError):
        AssertionClient(ENDPOINT, "iss", grant_type=SAML2_BEARER_GRANT_TYPE)


@pytest.mark.parametrize("grant_type", [None, JWT_BEARER_GRANT_TYPE])
def test_misspelt_option_is_an_error(grant_type: str | None) -> None:
    with pytest.raises(UnknownOptionError, match="expire_in"):
        AssertionClient(ENDPOINT, "iss", grant_type=grant_type, key="k", expire_in=5)


def test_key_that_was_forgotten_is_an_error_without_a_request() -> None:
    with pytest.raises(InvalidSettingError):
        next(AssertionClient(ENDPOINT, "iss").assertion_exchange())


def test_client_may_authenticate_as_well() -> None:
    exchange = _service().assertion_exchange(auth=ClientAuth("me", "s"))

    _, (request,) = drive(exchange, GOOD)

    assert request.headers["Authorization"] == "Basic bWU6cw=="
    assert "client_id" not in form(request)


def test_t29_assertion_grant_takes_the_credential_of_the_call() -> None:
    exchange = assertion_exchange(
        ENDPOINT, "urn:x", "a.b.c", auth=ClientAuth("me", "s"), client_assertion="theirs"
    )

    request = next(exchange)

    assert dict(parse_qsl(request.body)) == {
        "grant_type": "urn:x",
        "assertion": "a.b.c",
        "client_assertion": "theirs",
    }
    assert "Authorization" not in request.headers


def test_subclass_may_have_a_default_grant_and_makers_of_its_own() -> None:
    class Exchange(AssertionClient):
        DEFAULT_GRANT_TYPE = "urn:x"
        ASSERTION_METHODS: ClassVar[Any] = {"urn:x": lambda **options: f"by-{options['key']}"}

    client = Exchange(ENDPOINT, "issuer", "subject", key="hand", further="option")

    assert client.grant_type == "urn:x"
    assert dict(parse_qsl(next(client.assertion_exchange()).body)) == {
        "grant_type": "urn:x",
        "assertion": "by-hand",
    }


def test_t03_nothing_is_signed_for_an_insecure_endpoint() -> None:
    made: list[int] = []
    exchange = assertion_exchange("http://op.test/token", "urn:x", lambda: made.append(1) or "a")

    with pytest.raises(InsecureTransportError):
        next(exchange)

    assert made == []


def test_t03_switch_allows_plain_http() -> None:
    client = AssertionClient("http://op.test/token", assertion="a.b.c")

    assert next(client.assertion_exchange(insecure_http=True)).url == "http://op.test/token"


@pytest.mark.parametrize(
    ("refusal", "kind", "code"),
    [
        (
            answer({"error": "invalid_client"}, 401, WWW_Authenticate='Basic realm="x"'),
            TokenRequestError,
            "invalid_client",
        ),
        (answer({"error": "invalid_grant"}, 400), TokenRequestError, "invalid_grant"),
        (answer({"token_type": "Bearer"}), ProviderResponseError, "missing_access_token"),
        (answer("<html>", content_type="text/html"), ProviderResponseError, "invalid_response"),
    ],
    ids=["T21", "T20", "T10", "T08"],
)
def test_refusal_is_an_error_without_the_assertion(
    refusal: Any, kind: Any, code: str, watch: Watch
) -> None:
    exchange = _service().assertion_exchange()
    watch.secret(form(next(exchange))["assertion"])

    with pytest.raises(kind) as caught:
        exchange.send(refusal)

    assert caught.value.error == code


def test_repr_shows_neither_key_nor_assertion() -> None:
    client = AssertionClient(f"{ENDPOINT}?key=x", "iss", assertion="a.b.c")

    assert repr(client) == f"<AssertionClient 'iss' at {ENDPOINT}>"
    assert repr(_service()) == f"<AssertionClient 'iss' at {ENDPOINT}>"


@pytest.mark.parametrize("url", ["https://u:the-password@op.test/", "u:the-password@op.test", ""])
def test_repr_shows_no_endpoint_that_is_none(url: str) -> None:
    assert repr(AssertionClient(url, "iss", assertion="a.b.c")) == "<AssertionClient 'iss' at ***>"
