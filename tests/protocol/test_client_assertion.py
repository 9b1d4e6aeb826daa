"""Client authentication with signed JWTs (RFC 7523; rows T25, T26, T29)."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import PrivateFormat
from joserfc.jwk import ECKey
from joserfc.jwk import OctKey
from joserfc.jwk import OKPKey
from joserfc.jwk import RSAKey

from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.oauth2.client_assertion import ClientSecretJWT
from flask_oauthclient.protocol.oauth2.client_assertion import PrivateKeyJWT
from flask_oauthclient.protocol.oauth2.client_auth import ClientAuth
from flask_oauthclient.protocol.oauth2.grants import client_credentials_exchange
from flask_oauthclient.protocol.oauth2.grants import token_request
from flask_oauthclient.protocol.signing import import_private_key
from tests.helpers.clock import Clock
from tests.helpers.leaks import Watch
from tests.protocol._answers import answer
from tests.protocol._answers import drive
from tests.protocol._assertions import SECRET
from tests.protocol._assertions import jwk
from tests.protocol._assertions import kind_for
from tests.protocol._assertions import pem
from tests.protocol._assertions import private_key
from tests.protocol._assertions import public_pem
from tests.protocol._assertions import read

ENDPOINT = "https://op.test/token"
ISSUER = "https://op.test"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

ASYMMETRIC = [f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)]
SYMMETRIC = ["HS256", "HS384", "HS512"]


def sent_form(method: Any, auth: Any, uri: str = ENDPOINT, body: str = "a=b") -> dict[str, str]:
    """The form after a method has been at it; nothing else may change."""
    url, headers, sent = method(auth, "POST", uri, {"X-Own": "1"}, body)
    assert (url, headers) == (uri, {"X-Own": "1"})
    pairs = parse_qsl(sent, keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def assertion_of(method: Any, auth: Any, key: Any, uri: str = ENDPOINT) -> tuple[Any, Any]:
    """Header and claims of the assertion that a method sends."""
    return read(sent_form(method, auth, uri)["client_assertion"], key)


# -- what is sent ----------------------------------------------------------------------------


@pytest.mark.parametrize("alg", [*ASYMMETRIC, "EdDSA", "Ed25519"])
def test_private_key_signs_with_every_algorithm(alg: str) -> None:
    key = private_key(kind_for(alg))

    header, claims = assertion_of(PrivateKeyJWT(alg=alg), ClientAuth("me", pem(key)), key)

    assert header == {"alg": alg, "typ": "JWT"}
    assert claims["iss"] == claims["sub"] == "me"


@pytest.mark.parametrize("alg", SYMMETRIC)
def test_secret_signs_with_every_algorithm(alg: str) -> None:
    header, claims = assertion_of(ClientSecretJWT(alg=alg), ClientAuth("me", SECRET), SECRET)

    assert header == {"alg": alg, "typ": "JWT"}
    assert claims["iss"] == claims["sub"] == "me"


@pytest.mark.parametrize(
    ("kind", "alg"),
    [
        ("RSA", "RS256"),
        ("P-256", "ES256"),
        ("P-384", "ES384"),
        ("P-521", "ES512"),
        ("Ed25519", "EdDSA"),
    ],
)
def test_algorithm_follows_from_the_key(kind: str, alg: str) -> None:
    key = private_key(kind)

    assert assertion_of(PrivateKeyJWT(), ClientAuth("me", pem(key)), key)[0]["alg"] == alg


def test_secret_signs_with_hs256_by_default() -> None:
    assert assertion_of(ClientSecretJWT(), ClientAuth("me", SECRET), SECRET)[0]["alg"] == "HS256"


@pytest.mark.parametrize(
    ("stated", "asked", "alg"),
    [
        ("PS384", None, "PS384"),
        ("PS384", "PS384", "PS384"),
        (None, "RS512", "RS512"),
    ],
)
def test_jwk_states_its_algorithm(stated: str | None, asked: str | None, alg: str) -> None:
    key = private_key("RSA")
    stating = jwk(key) if stated is None else jwk(key, alg=stated)

    assert assertion_of(PrivateKeyJWT(alg=asked, key=stating), ClientAuth("me"), key)[0] == {
        "alg": alg,
        "typ": "JWT",
    }


@pytest.mark.parametrize("stated", ["EdDSA", "Ed25519"])
def test_both_names_of_one_algorithm_fit_a_key(stated: str) -> None:
    key = private_key("Ed25519")

    for asked in (None, "EdDSA", "Ed25519"):
        method = PrivateKeyJWT(alg=asked, key=jwk(key, alg=stated))
        assert assertion_of(method, ClientAuth("me"), key)[0]["alg"] == (asked or stated)


def test_form_gains_two_parameters_and_no_client_id() -> None:
    form = sent_form(PrivateKeyJWT(), ClientAuth("me", pem(private_key("P-256"))))

    assert form.pop("client_assertion").count(".") == 2
    assert form == {"a": "b", "client_assertion_type": TYPE}


def test_claims_are_these_and_no_others(clock: Clock) -> None:
    _, claims = assertion_of(ClientSecretJWT(), ClientAuth("me", SECRET), SECRET)

    jti, now = claims.pop("jti"), int(time.time())
    assert len(jti) == 36
    assert claims == {"iss": "me", "sub": "me", "aud": ENDPOINT, "iat": now, "exp": now + 60}


def test_t25_audience_is_the_issuer_and_the_key_is_named() -> None:
    key = private_key("P-256")
    auth = ClientAuth("me", jwk(key, kid="2026-a"), issuer=ISSUER)

    first, second = (assertion_of(PrivateKeyJWT(), auth, key) for _ in range(2))

    assert first[0]["kid"] == "2026-a"
    assert first[1]["aud"] == ISSUER
    assert first[1]["exp"] - first[1]["iat"] <= 60
    assert first[1]["jti"] != second[1]["jti"]


@pytest.mark.parametrize("method", [PrivateKeyJWT(), ClientSecretJWT()], ids=lambda m: m.name)
def test_t26_hostile_server_cannot_pass_an_assertion_on(method: Any) -> None:
    key = private_key("P-256") if method.name == "private_key_jwt" else SECRET
    secret = key if isinstance(key, str) else pem(key)
    # The hostile server's metadata name the endpoint of an honest one as their own.
    auth = ClientAuth("me", secret, method, issuer="https://attacker.test")

    _, (request,) = drive(
        client_credentials_exchange(auth, "https://honest.test/token"),
        answer({"access_token": "a", "token_type": "Bearer"}),
    )

    _, claims = read(dict(parse_qsl(request.body or ""))["client_assertion"], key)
    assert claims["aud"] == "https://attacker.test"


@pytest.mark.parametrize(
    ("settings", "issuer", "audience"),
    [
        ({}, None, ENDPOINT + "?tenant=a"),
        ({}, ISSUER, ISSUER),
        ({"token_endpoint": "https://x.test/t"}, None, "https://x.test/t"),
        ({"token_endpoint": "https://x.test/t"}, ISSUER, "https://x.test/t"),
        ({"audience": "urn:a"}, ISSUER, "urn:a"),
        ({"audience": "urn:a", "token_endpoint": "https://x.test/t"}, ISSUER, "urn:a"),
        ({"claims": {"aud": ["urn:b"]}, "audience": "urn:a"}, ISSUER, ["urn:b"]),
    ],
    ids=["url", "issuer", "endpoint", "endpoint-issuer", "audience", "audience-all", "claims"],
)
def test_audience(settings: Any, issuer: str | None, audience: Any) -> None:
    auth = ClientAuth("me", SECRET, issuer=issuer)

    _, claims = assertion_of(ClientSecretJWT(**settings), auth, SECRET, ENDPOINT + "?tenant=a")

    assert claims["aud"] == audience


def test_sign_takes_the_audience_as_its_argument() -> None:
    auth = ClientAuth("me", SECRET, issuer=ISSUER)

    assert read(ClientSecretJWT().sign(auth, "urn:a"), SECRET)[1]["aud"] == "urn:a"
    assert read(ClientSecretJWT(audience="urn:b").sign(auth, "urn:a"), SECRET)[1]["aud"] == "urn:b"


@pytest.mark.parametrize(("lifetime", "seconds"), [(1, 1), (300, 300), (0.2, 1), (3600, 3600)])
def test_lifetime(lifetime: float, seconds: int) -> None:
    for method in (
        ClientSecretJWT(lifetime=lifetime),
        PrivateKeyJWT(lifetime=lifetime, key=jwk(private_key("P-256"))),
    ):
        key = SECRET if method.name == "client_secret_jwt" else private_key("P-256")
        _, claims = assertion_of(method, ClientAuth("me", SECRET), key)
        assert claims["exp"] - claims["iat"] == seconds


@pytest.mark.parametrize(
    "lifetime", [0, -1, 3601, float("inf"), float("nan"), True, None, "60", 10**400]
)
@pytest.mark.parametrize("kind", [ClientSecretJWT, PrivateKeyJWT])
def test_lifetime_that_is_none_is_refused(kind: Any, lifetime: Any) -> None:
    with pytest.raises(InvalidSettingError):
        kind(lifetime=lifetime)


# -- claims and header of the user -----------------------------------------------------------


def test_claims_are_added_and_replaced_and_never_changed() -> None:
    mine = {"tenant": "a", "sub": "other", "nbf": 5}
    method = ClientSecretJWT(claims=mine)

    for _ in range(3):
        _, claims = assertion_of(method, ClientAuth("me", SECRET), SECRET)
        assert (claims["iss"], claims["sub"], claims["tenant"], claims["nbf"]) == (
            "me",
            "other",
            "a",
            5,
        )

    assert mine == {"tenant": "a", "sub": "other", "nbf": 5}
    mine["tenant"] = "b"
    assert assertion_of(method, ClientAuth("me", SECRET), SECRET)[1]["tenant"] == "a"


def test_jti_is_fresh_although_there_are_claims_of_the_user() -> None:
    mine: dict[str, Any] = {"tenant": "a"}
    method, auth = ClientSecretJWT(claims=mine), ClientAuth("me", SECRET)

    seen = {read(method.sign(auth, ISSUER), SECRET)[1]["jti"] for _ in range(500)}

    assert len(seen) == 500
    assert mine == {"tenant": "a"}


def test_jti_is_fresh_in_every_thread() -> None:
    method, auth = PrivateKeyJWT(), ClientAuth("me", pem(private_key("P-256")))

    with ThreadPoolExecutor(8) as pool:
        signed = list(pool.map(lambda _: method.sign(auth, ISSUER), range(200)))

    assert len({read(one, private_key("P-256"))[1]["jti"] for one in signed}) == 200


def test_header_parameters_are_added_and_replaced() -> None:
    key = private_key("P-256")
    headers = {"kid": "mine", "typ": "client-authentication+jwt", "x": 1}
    method = PrivateKeyJWT(headers=headers, key=jwk(key, kid="its-own"))

    header, _ = assertion_of(method, ClientAuth("me"), key)

    assert header == {"alg": "ES256", **headers}
    assert headers == {"kid": "mine", "typ": "client-authentication+jwt", "x": 1}


def test_algorithm_may_stand_in_the_header() -> None:
    method = ClientSecretJWT(headers={"alg": "HS512"})

    assert assertion_of(method, ClientAuth("me", SECRET), SECRET)[0]["alg"] == "HS512"


def test_two_algorithms_are_refused() -> None:
    method = ClientSecretJWT(alg="HS256", headers={"alg": "HS512"})

    with pytest.raises(InvalidSettingError):
        method.sign(ClientAuth("me", SECRET), ISSUER)


@pytest.mark.parametrize("value", [object(), {1}, float("nan"), b"bytes"], ids=repr)
def test_claims_that_are_no_json_are_refused(value: Any) -> None:
    with pytest.raises(InvalidSettingError) as caught:
        ClientSecretJWT(claims={"x": value}).sign(ClientAuth("me", SECRET), ISSUER)

    assert caught.value.__context__ is None


@pytest.mark.parametrize("text", ["\u00e4\u2603", "\U0001f511", 'quote" back\\', "\x00"])
def test_claims_of_any_text_survive(text: str) -> None:
    auth = ClientAuth(text, SECRET)

    assert assertion_of(ClientSecretJWT(claims={"x": text}), auth, SECRET)[1]["x"] == text


# -- keys ------------------------------------------------------------------------------------

FORMS: dict[str, Callable[[], Any]] = {
    "pkcs8-text": lambda: pem(private_key("RSA")),
    "pkcs8-bytes": lambda: pem(private_key("RSA")).encode(),
    "pkcs1": lambda: pem(private_key("RSA"), PrivateFormat.TraditionalOpenSSL),
    "surrounded": lambda: f"\n  {pem(private_key('RSA'))}\n\n",
    "rsa-jwk": lambda: jwk(private_key("RSA")),
    "rsa-jwk-text": lambda: json.dumps(jwk(private_key("RSA"))),
    "rsa-jwk-bytes": lambda: json.dumps(jwk(private_key("RSA"))).encode(),
    "rsa-object": lambda: private_key("RSA"),
    "rsa-joserfc": lambda: RSAKey.import_key(pem(private_key("RSA"))),
    "sec1": lambda: pem(private_key("P-384"), PrivateFormat.TraditionalOpenSSL),
    "ec-pkcs8": lambda: pem(private_key("P-384")),
    "ec-jwk": lambda: jwk(private_key("P-384")),
    "ec-object": lambda: private_key("P-384"),
    "ec-joserfc": lambda: ECKey.import_key(jwk(private_key("P-384"))),
    "okp-pkcs8": lambda: pem(private_key("Ed25519")),
    "okp-jwk": lambda: jwk(private_key("Ed25519")),
    "okp-object": lambda: private_key("Ed25519"),
    "okp-joserfc": lambda: OKPKey.import_key(jwk(private_key("Ed25519"))),
}


def _owner(form: str) -> Any:
    if form.startswith("okp"):
        return private_key("Ed25519")
    return private_key("P-384") if form.startswith(("ec", "sec1")) else private_key("RSA")


@pytest.mark.parametrize("form", FORMS)
def test_key_is_read_from_every_form(form: str) -> None:
    key = FORMS[form]()

    for method, auth in (
        (PrivateKeyJWT(), ClientAuth("me", key)),
        (PrivateKeyJWT(key=key), ClientAuth("me")),
        (PrivateKeyJWT(key=key), ClientAuth("me", "a secret that is not used")),
    ):
        assert assertion_of(method, auth, _owner(form))[1]["iss"] == "me"


@pytest.mark.parametrize(
    ("make", "kid"),
    [
        (lambda: jwk(private_key("P-256"), kid="k"), "k"),
        (lambda: ECKey.import_key(jwk(private_key("P-256"), kid="k")), "k"),
        (lambda: ECKey.import_key(pem(private_key("P-256")), {"kid": "k"}), "k"),
        (lambda: jwk(private_key("P-256"), kid=5), None),
        (lambda: pem(private_key("P-256")), None),
    ],
    ids=["jwk", "joserfc-jwk", "joserfc-pem", "number", "pem"],
)
def test_kid_comes_from_the_key(make: Any, kid: str | None) -> None:
    header, _ = assertion_of(PrivateKeyJWT(key=make()), ClientAuth("me"), private_key("P-256"))

    assert header.get("kid") == kid


UNUSABLE: dict[str, Callable[[], Any]] = {
    "public-pem": lambda: public_pem(private_key("P-256")),
    "public-jwk": lambda: {k: v for k, v in jwk(private_key("P-256")).items() if k != "d"},
    "public-object": lambda: private_key("P-256").public_key(),
    "public-joserfc": lambda: ECKey.import_key(public_pem(private_key("P-256"))),
    "weak-pem": lambda: pem(private_key("RSA-1024")),
    "weak-jwk": lambda: jwk(private_key("RSA-1024")),
    "weak-object": lambda: private_key("RSA-1024"),
    "encrypted": lambda: pem(private_key("P-256"), password=b"a password"),
    "secp256k1": lambda: pem(private_key("secp256k1")),
    "brainpool": lambda: private_key("brainpool"),
    "ed448": lambda: pem(private_key("Ed448")),
    "cut": lambda: pem(private_key("P-256"))[:90],
    "not-base64": lambda: "-----BEGIN PRIVATE KEY-----\n!!!\n-----END PRIVATE KEY-----\n",
    "text": lambda: "some-secret",
    "empty": lambda: "",
    "empty-jwk": dict,
    "none": lambda: None,
    "number": lambda: 5,
    "list": lambda: [jwk(private_key("P-256"))],
    "oct-jwk": lambda: {"kty": "oct", "k": "c29tZS1zZWNyZXQtb2YtbWFueS1vY3RldHM"},
    "oct-joserfc": lambda: OctKey.import_key("some secret of enough octets"),
    "unknown-kty": lambda: {"kty": "AKP", "d": "x"},
    "odd-kty": lambda: {"kty": ["EC"], "d": "x"},
    "wrong-half": lambda: {**jwk(private_key("P-256")), "d": jwk(_other())["d"]},
    "rsa-half": lambda: {k: v for k, v in jwk(private_key("RSA")).items() if k != "q"},
    "for-encryption": lambda: jwk(private_key("P-256"), use="enc"),
    "for-verification": lambda: jwk(private_key("P-256"), key_ops=["verify"]),
    "another-alg": lambda: jwk(private_key("RSA"), alg="RSA-OAEP"),
    "not-json": lambda: {**jwk(private_key("P-256")), "kid": object()},
    "odd-members": lambda: {**jwk(private_key("P-256")), (1, 2): 3},
    "broken-json": lambda: '{"kty":"EC",',
    "deep-json": lambda: '{"kty":' + "[" * 100_000,
}


def _other() -> Any:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize("form", UNUSABLE)
def test_key_that_cannot_sign_is_refused_without_a_word_of_it(form: str, watch: Watch) -> None:
    key = UNUSABLE[form]()
    if isinstance(key, str) and len(key) > 8:
        watch.secret(*[line for line in key.splitlines() if len(line) > 8 and "---" not in line])
    if isinstance(key, dict) and "d" in key and len(key["d"]) > 8:
        watch.secret(key["d"])

    with pytest.raises(InvalidSettingError) as caught:
        PrivateKeyJWT().sign(SimpleNamespace(client_id="me", client_secret=key), ISSUER)

    assert isinstance(caught.value, ValueError)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("form", ["public-pem", "weak-pem", "text"])
def test_key_of_the_method_is_judged_when_it_is_made(form: str) -> None:
    with pytest.raises(InvalidSettingError):
        PrivateKeyJWT(key=UNUSABLE[form]())


@pytest.mark.parametrize(
    ("kind", "alg"),
    [
        ("RSA", "ES256"),
        ("P-256", "RS256"),
        ("P-256", "ES384"),
        ("P-521", "ES256"),
        ("Ed25519", "ES256"),
        ("P-256", "EdDSA"),
    ],
)
def test_algorithm_that_does_not_fit_the_key_is_refused(kind: str, alg: str) -> None:
    key = jwk(private_key(kind))

    with pytest.raises(InvalidSettingError):
        PrivateKeyJWT(alg=alg, key=key)
    with pytest.raises(InvalidSettingError):
        PrivateKeyJWT(alg=alg).sign(ClientAuth("me", key), ISSUER)


@pytest.mark.parametrize("alg", ["none", "HS256", "RS1", "rs256", "ES256K", "RSA-OAEP", 5])
def test_algorithm_that_is_none_for_a_private_key_is_refused(alg: Any) -> None:
    with pytest.raises(InvalidSettingError):
        PrivateKeyJWT(alg=alg)
    with pytest.raises(InvalidSettingError):
        PrivateKeyJWT(headers={"alg": alg})


@pytest.mark.parametrize("alg", ["none", "RS256", "HS1", "hs256", "dir"])
def test_algorithm_that_is_none_for_a_secret_is_refused(alg: str) -> None:
    with pytest.raises(InvalidSettingError):
        ClientSecretJWT(alg=alg)


def test_key_is_read_once_for_many_assertions(monkeypatch: pytest.MonkeyPatch) -> None:
    text, read_times = pem(ec.generate_private_key(ec.SECP256R1())), []
    load = serialization.load_pem_private_key

    def counted(*args: Any, **kwargs: Any) -> Any:
        read_times.append(args)
        return load(*args, **kwargs)

    monkeypatch.setattr(serialization, "load_pem_private_key", counted)
    for one in (text, text.encode()):
        for _ in range(20):
            PrivateKeyJWT().sign(ClientAuth("me", one), ISSUER)

    assert len(read_times) == 1


def test_two_keys_are_never_mixed_up() -> None:
    first, second = private_key("P-256"), _other()
    auths = [(ClientAuth("a", pem(first)), first), (ClientAuth("b", pem(second)), second)]

    for auth, key in auths * 3:
        assert assertion_of(PrivateKeyJWT(), auth, key)[1]["iss"] == auth.client_id


# -- secrets ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("secret", "octets"),
    [
        (SECRET, SECRET.encode()),
        (SECRET.encode(), SECRET.encode()),
        ("p:\u00e4 %+& of thirty-two octets and more", None),
        (OctKey.import_key(SECRET), SECRET.encode()),
        ({"kty": "oct", "k": "YSBzZWNyZXQgb2YgdGhpcnR5LXR3byBvY3RldHMgb3I"}, None),
    ],
    ids=["text", "bytes", "utf-8", "joserfc", "jwk"],
)
def test_secret_is_taken_in_every_form(secret: Any, octets: bytes | None) -> None:
    if octets is None:
        octets = secret.encode() if isinstance(secret, str) else b"a secret of thirty-two octets or"

    assert assertion_of(ClientSecretJWT(), ClientAuth("me", secret, "none"), octets)


@pytest.mark.parametrize(
    "form", ["public-pem", "public-jwk", "encrypted", "empty", "none", "number", "ed448"]
)
def test_key_is_no_secret(form: str) -> None:
    auth = SimpleNamespace(client_id="me", client_secret=UNUSABLE[form]())

    with pytest.raises(InvalidSettingError) as caught:
        ClientSecretJWT().sign(auth, ISSUER)

    assert caught.value.__context__ is None


@pytest.mark.parametrize("form", FORMS)
def test_private_key_is_no_secret(form: str) -> None:
    with pytest.raises(InvalidSettingError):
        ClientSecretJWT().sign(ClientAuth("me", FORMS[form]()), ISSUER)


@pytest.mark.parametrize(("alg", "short"), [("HS256", False), ("HS384", True), ("HS512", True)])
def test_short_secret_is_used_and_reported_once(
    alg: str, short: bool, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    secret = f"{time.perf_counter_ns():x}".rjust(32, "s")
    watch.secret(secret)

    for _ in range(3):
        assertion_of(ClientSecretJWT(alg=alg), ClientAuth("me", secret), secret)

    assert [r.levelname for r in caplog.records if "3.2" in r.message] == ["WARNING"] * short


# -- the request -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["client_secret_jwt", "private_key_jwt"])
@pytest.mark.parametrize("verb", ["POST", "GET"])
@pytest.mark.filterwarnings("ignore:GET puts:UserWarning")
def test_method_is_known_by_its_name(name: str, verb: str) -> None:
    key = SECRET if name == "client_secret_jwt" else private_key("P-256")
    secret = SECRET if name == "client_secret_jwt" else pem(key)
    auth = ClientAuth("me", secret, name, issuer=ISSUER)

    request = token_request(auth, ENDPOINT, "x", method=verb)

    form = dict(parse_qsl(request.body or request.url.partition("?")[2]))
    assert read(form["client_assertion"], key)[1]["aud"] == ISSUER
    assert form.keys() == {"grant_type", "client_assertion", "client_assertion_type"}
    assert "Authorization" not in request.headers


@pytest.mark.parametrize("method", [ClientSecretJWT(), PrivateKeyJWT()], ids=lambda m: m.name)
@pytest.mark.parametrize("param", ["client_secret", "client_assertion"])
def test_t29_credential_of_a_call_is_the_only_one(method: Any, param: str) -> None:
    secret = SECRET if method.name == "client_secret_jwt" else pem(private_key("P-256"))
    auth = ClientAuth("me", secret, method)

    request = token_request(auth, ENDPOINT, "x", **{param: "theirs"})

    named = {"client_id": "me"} if param == "client_secret" else {}
    assert dict(parse_qsl(request.body or "")) == {"grant_type": "x", param: "theirs", **named}
    assert "Authorization" not in request.headers


@pytest.mark.parametrize("method", [ClientSecretJWT(), PrivateKeyJWT()], ids=lambda m: m.name)
@pytest.mark.parametrize("more", [{}, {"client_secret": "theirs"}], ids=["alone", "and-secret"])
def test_t29_header_of_a_call_is_a_second_method(method: Any, more: dict[str, str]) -> None:
    secret = SECRET if method.name == "client_secret_jwt" else pem(private_key("P-256"))
    auth = ClientAuth("me", secret, method)

    with pytest.raises(InvalidSettingError):
        token_request(auth, ENDPOINT, "x", headers={"authorization": "Basic eDp5"}, **more)


def test_subclass_may_have_an_algorithm() -> None:
    class Long(PrivateKeyJWT):
        alg = "RS512"

    class LongSecret(ClientSecretJWT):
        alg = "HS512"

    key, auth = private_key("RSA"), ClientAuth("me", pem(private_key("RSA")))
    assert assertion_of(Long(), auth, key)[0]["alg"] == "RS512"
    assert assertion_of(Long(alg="RS384"), auth, key)[0]["alg"] == "RS384"
    auth = ClientAuth("me", SECRET)
    assert assertion_of(LongSecret(), auth, SECRET)[0]["alg"] == "HS512"


def test_default_algorithm_of_a_secret_gives_way_to_the_keys_own() -> None:
    own = {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"}
    auth = ClientAuth("me", {**own, "alg": "HS384"})

    assert ClientSecretJWT().alg == "HS256"
    header = ClientSecretJWT().sign(auth, ENDPOINT).partition(".")[0]
    assert json.loads(base64.urlsafe_b64decode(header + "=="))["alg"] == "HS384"
    with pytest.raises(InvalidSettingError):
        ClientSecretJWT(alg="HS256").sign(auth, ENDPOINT)


def test_auth_object_of_somebody_else_works() -> None:
    auth = SimpleNamespace(client_id="me", client_secret=SECRET)

    assert assertion_of(ClientSecretJWT(), auth, SECRET)[1]["aud"] == ENDPOINT


def test_subclass_may_sign_in_its_own_way() -> None:
    class Own(PrivateKeyJWT):
        def sign(self, auth: Any, token_endpoint: str) -> str:
            return f"{auth.client_id}-at-{token_endpoint}"

    assert sent_form(Own(), ClientAuth("me"))["client_assertion"] == f"me-at-{ENDPOINT}"


def test_repr_shows_no_key(watch: Watch) -> None:
    key = jwk(private_key("P-256"), kid="k")
    shown = [
        repr(PrivateKeyJWT(key=key)),
        repr(PrivateKeyJWT(key=key, alg="ES256")),
        repr(ClientSecretJWT(alg="HS512")),
        repr(ClientAuth("me", pem(private_key("P-256")))),
        repr(import_private_key(key)),
    ]

    assert shown[:4] == [
        "<PrivateKeyJWT alg by key>",
        "<PrivateKeyJWT ES256>",
        "<ClientSecretJWT HS512>",
        "<ClientAuth 'me'>",
    ]
    assert key["d"] not in shown[4]
