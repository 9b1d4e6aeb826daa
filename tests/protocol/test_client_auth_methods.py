"""Which method a client uses, and the bytes of the Basic credential (rows T24, T29)."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import Any

import pytest
from joserfc.jwk import ECKey

from flask_oauthclient.protocol.errors import ConfigurationError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.oauth2.client_assertion import ClientSecretJWT
from flask_oauthclient.protocol.oauth2.client_assertion import PrivateKeyJWT
from flask_oauthclient.protocol.oauth2.client_auth import METHODS
from flask_oauthclient.protocol.oauth2.client_auth import ClientAuth
from flask_oauthclient.protocol.oauth2.client_auth import choose_method
from flask_oauthclient.protocol.oauth2.client_auth import method_for
from flask_oauthclient.protocol.oauth2.grants import token_request
from flask_oauthclient.protocol.signing import import_private_key
from tests.helpers.leaks import Watch
from tests.protocol._assertions import jwk
from tests.protocol._assertions import pem
from tests.protocol._assertions import private_key
from tests.protocol._assertions import public_pem

ENDPOINT = "https://op.test/token"


def credential(auth: Any) -> bytes:
    """The octets of the Basic credential that the method makes for a client."""
    _, headers, body = METHODS["client_secret_basic"](auth, "POST", ENDPOINT, {}, "a=b")
    assert body == "a=b"
    scheme, _, value = headers["Authorization"].partition(" ")
    assert scheme == "Basic"
    return base64.b64decode(value, validate=True)


# -- client_secret_basic ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client_id", "secret", "form", "raw"),
    [
        ("me", "p:\u00e4 %+&", b"me:p%3A%C3%A4+%25%2B%26", b"me:p:\xe4 %+&"),
        ("me", "plain", b"me:plain", b"me:plain"),
        ("me", "", b"me:", b"me:"),
        ("me", None, b"me:", b"me:"),
        ("m\u00e9", "a/b=", b"m%C3%A9:a%2Fb%3D", b"m\xe9:a/b="),
        ("me", "\u20ac\u00e4", b"me:%E2%82%AC%C3%A4", b"me:\xe2\x82\xac\xc3\xa4"),
        ("\u2603", "\u00e4", b"%E2%98%83:%C3%A4", b"\xe2\x98\x83:\xc3\xa4"),
        ("me", "\u0080", b"me:%C2%80", b"me:\x80"),
        ("me", b"p:\xc3\xa4", b"me:p%3A%C3%A4", b"me:p:\xe4"),
        ("me", "\ud800x", b"me:%3Fx", b"me:?x"),
        ("-._~", "-._~", b"-._~:-._~", b"-._~:-._~"),
    ],
)
def test_t24_basic_to_the_byte(client_id: str, secret: Any, form: bytes, raw: bytes) -> None:
    assert credential(ClientAuth(client_id, secret)) == form
    assert credential(ClientAuth(client_id, secret, basic_encoding="form")) == form
    assert credential(ClientAuth(client_id, secret, basic_encoding="raw")) == raw


@pytest.mark.parametrize(
    ("client_id", "secret"),
    [("a:b", "s"), ("a\n", "s"), ("a", "s\r\n"), ("a", "\x00"), ("a", "s\x7f"), ("\x1f", "s")],
)
def test_raw_basic_refuses_what_rfc_7617_does(client_id: str, secret: str) -> None:
    with pytest.raises(InvalidSettingError):
        credential(ClientAuth(client_id, secret, basic_encoding="raw"))

    assert credential(ClientAuth(client_id, secret)).count(b":") == 1


@pytest.mark.parametrize("encoding", ["", "RAW", "utf-8", None, True])
def test_other_encoding_is_refused(encoding: Any) -> None:
    with pytest.raises(InvalidSettingError, match="basic_encoding"):
        ClientAuth("me", "s", basic_encoding=encoding)


def test_raw_is_a_matter_of_basic_only() -> None:
    auth = ClientAuth("me", "p:\u00e4", "client_secret_post", basic_encoding="raw")

    assert token_request(auth, ENDPOINT, "x").body == (
        "grant_type=x&client_id=me&client_secret=p%3A%C3%A4"
    )


@pytest.mark.parametrize("name", ["client_secret_basic", "client_secret_post", "none"])
def test_auth_object_of_somebody_else_works(name: str) -> None:
    theirs = SimpleNamespace(client_id="me", client_secret="s")

    url, headers, body = METHODS[name](theirs, "POST", ENDPOINT, {}, "a=b")

    assert url == ENDPOINT
    assert (headers.get("Authorization"), body) == {
        "client_secret_basic": ("Basic bWU6cw==", "a=b"),
        "client_secret_post": (None, "a=b&client_id=me&client_secret=s"),
        "none": (None, "a=b&client_id=me"),
    }[name]


# -- a private key never leaves ----------------------------------------------------------------


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
@pytest.mark.parametrize("form", ["pem", "bytes", "public", "jwk", "text", "joserfc", "object"])
@pytest.mark.parametrize("encoding", ["form", "raw"])
def test_t29_private_key_is_never_sent_as_a_secret(
    method: str, form: str, encoding: str, watch: Watch
) -> None:
    key = private_key("P-256")
    text = pem(key)
    watch.secret(text.splitlines()[1], jwk(key)["d"])
    secret = {
        "pem": text,
        "bytes": b"\n" + text.encode(),
        "public": public_pem(key),
        "jwk": jwk(key),
        "text": f' {{"kty": "EC", "d": "{jwk(key)["d"]}"}}',
        "joserfc": ECKey.import_key(text),
        "object": key,
    }[form]
    auth = ClientAuth("me", secret, method, basic_encoding=encoding)

    with pytest.raises(InvalidSettingError):
        token_request(auth, ENDPOINT, "x")


@pytest.mark.parametrize("verb", ["POST", "GET"])
@pytest.mark.filterwarnings("ignore:GET puts:UserWarning")
def test_t29_no_method_of_a_key_shows_the_key(verb: str) -> None:
    key = private_key("P-256")

    for method in ("none", "private_key_jwt"):
        auth = ClientAuth("me", pem(key), method)
        request = token_request(auth, ENDPOINT, "x", method=verb)
        sent = f"{request.url} {request.headers} {request.body}"
        assert "PRIVATE" not in sent
        assert pem(key).splitlines()[1] not in sent


# -- the choice --------------------------------------------------------------------------------

BASIC, POST = "client_secret_basic", "client_secret_post"
JWT, KEY = "client_secret_jwt", "private_key_jwt"


@pytest.mark.parametrize(
    ("supported", "method"),
    [
        (None, BASIC),
        ([], BASIC),
        ([BASIC], BASIC),
        ([POST], POST),
        ([POST, BASIC], BASIC),
        ([JWT], JWT),
        ([JWT, POST], POST),
        ([JWT, BASIC], BASIC),
        ([KEY, JWT], JWT),
        ([KEY], BASIC),
        (["none"], BASIC),
        (["tls_client_auth", ""], BASIC),
    ],
)
def test_choice_for_a_secret(supported: list[str] | None, method: str) -> None:
    for secret in ("s", b"s", "{not a key}", "-----BEGINNER"):
        assert choose_method(secret, supported) == method
        assert method_for(secret, supported) == method


@pytest.mark.parametrize("supported", [None, [], [BASIC], [BASIC, KEY], [KEY], ["none"]])
def test_choice_for_a_key(supported: list[str] | None) -> None:
    key = private_key("P-256")

    for secret in (pem(key), pem(key).encode(), jwk(key), key, ECKey.import_key(pem(key))):
        assert choose_method(secret, supported) == KEY
        assert method_for(secret, supported) == KEY


@pytest.mark.parametrize("supported", [None, [BASIC], [KEY], [JWT]])
@pytest.mark.parametrize("secret", [None, "", b""])
def test_choice_without_a_secret(secret: Any, supported: list[str] | None) -> None:
    assert choose_method(secret, supported) == "none"
    assert method_for(secret, supported, ["RS256"]) == "none"


def test_client_without_a_method_uses_what_its_secret_is_good_for() -> None:
    key = private_key("P-256")

    bodies = [
        token_request(ClientAuth("me", secret), ENDPOINT, "x").body or ""
        for secret in (None, "s", pem(key))
    ]

    assert bodies[:2] == ["grant_type=x&client_id=me", "grant_type=x"]
    assert "client_assertion=" in bodies[2]


@pytest.mark.parametrize(
    ("algs", "method"),
    [
        (None, JWT),
        ([], JWT),
        (["HS256"], JWT),
        (["RS256", "HS512", "HS256"], JWT),
        (["HS512", "RS256"], "HS512"),
        (["HS512", "HS384"], "HS384"),
        (["RS256"], BASIC),
    ],
)
def test_secret_signs_with_what_the_server_accepts(algs: list[str] | None, method: str) -> None:
    chosen = method_for("s" * 64, [JWT], algs)

    if isinstance(chosen, str):
        assert chosen == method
    else:
        assert isinstance(chosen, ClientSecretJWT)
        assert chosen.alg == method


@pytest.mark.parametrize(
    ("kind", "algs", "alg"),
    [
        ("RSA", None, None),
        ("RSA", ["RS256", "PS256"], None),
        ("RSA", ["PS256"], "PS256"),
        ("RSA", ["PS512", "ES256", "RS384"], "RS384"),
        ("P-256", ["RS256", "ES256"], None),
        ("Ed25519", ["EdDSA"], None),
        ("Ed25519", ["Ed25519"], "Ed25519"),
    ],
)
def test_key_signs_with_what_the_server_accepts(
    kind: str, algs: list[str] | None, alg: str | None
) -> None:
    chosen = method_for(pem(private_key(kind)), [KEY], algs)

    if alg is None:
        assert chosen == KEY
    else:
        assert isinstance(chosen, PrivateKeyJWT)
        assert chosen.alg == alg


@pytest.mark.parametrize(
    ("secret", "algs"),
    [
        (lambda: pem(private_key("RSA")), ["ES256"]),
        (lambda: pem(private_key("P-256")), ["ES384", "RS256", "HS256"]),
        (lambda: jwk(private_key("RSA"), alg="PS256"), ["RS256"]),
    ],
)
def test_key_that_the_server_does_not_accept_is_an_error(secret: Any, algs: list[str]) -> None:
    hostile = "x" * 1000 + "\n"

    with pytest.raises(ConfigurationError) as caught:
        method_for(secret(), [KEY], [*algs, hostile])

    assert caught.value.error == "unsupported_client_auth"
    assert caught.value.detail["supported"] == [*algs, "x" * 20]
    assert "xxx" not in str(caught.value)


KEY_TEXTS = {
    "lines-above": lambda key: f"Bag Attributes\n  friendlyName: x\n{pem(key)}",
    "comment": lambda key: f"# of production\n{pem(key)}",
    "byte-order-mark": lambda key: f"\ufeff{pem(key)}",
    "jwk-with-a-mark": lambda key: f"\ufeff{json.dumps(jwk(key))}",
    "jwk-with-its-type-at-the-end": lambda key: json.dumps({"x5c": ["A" * 9000], **jwk(key)}),
}


@pytest.mark.parametrize("form", KEY_TEXTS)
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_key_in_any_form_is_never_sent(form: str, method: str, watch: Watch) -> None:
    text = KEY_TEXTS[form](private_key("P-256"))
    watch.secret(text)
    assert choose_method(text, None) == "private_key_jwt"
    with pytest.raises(InvalidSettingError):
        token_request(ClientAuth("me", text, method), ENDPOINT, "client_credentials")


@pytest.mark.parametrize(
    "octets", [b"\x30\x82\x01\x22", b"ssh-rsa AAAA", b"ecdsa-sha2-nistp256 AAAA"]
)
def test_other_keys_are_no_secrets_either(octets: bytes) -> None:
    for method in ("client_secret_basic", "client_secret_post", "client_secret_jwt"):
        with pytest.raises(InvalidSettingError):
            token_request(ClientAuth("me", octets, method), ENDPOINT, "client_credentials")


def test_two_keys_are_not_equal() -> None:
    assert import_private_key(pem(private_key("P-256"))) != import_private_key(
        ECKey.generate_key("P-256").as_pem(private=True)
    )


def test_alg_of_none_in_the_header_does_not_count() -> None:
    assertion = PrivateKeyJWT(headers={"alg": None}).sign(
        ClientAuth("me", pem(private_key("P-256"))), ENDPOINT
    )
    header = json.loads(base64.urlsafe_b64decode(assertion.split(".")[0] + "=="))
    assert header == {"typ": "JWT", "alg": "ES256"}


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_t29_empty_secret_of_a_call_counts(method: str) -> None:
    auth = ClientAuth("me", "a secret", method)

    assert auth.prepare("POST", "https://op.test/token", {}, "client_secret=&a=b") == (
        "https://op.test/token",
        {},
        "client_secret=&a=b&client_id=me",
    )
