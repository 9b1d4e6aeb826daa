"""ID tokens of the wrong form: segments, base64url, JSON, header (rows I01-I12, I45-I49, I60)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_oauthclient.protocol.errors import IDTokenError
from flask_oauthclient.protocol.errors import MalformedIDTokenError
from flask_oauthclient.protocol.jose import ASYMMETRIC
from flask_oauthclient.protocol.jwt import MAX_HEADER
from flask_oauthclient.protocol.jwt import MAX_TOKEN
from flask_oauthclient.protocol.jwt import split_compact
from tests.protocol._keys import b64
from tests.protocol._keys import compact
from tests.protocol._keys import make_key
from tests.protocol._login import ABSENT
from tests.protocol._login import claims
from tests.protocol._login import key_set
from tests.protocol._login import verify
from tests.protocol._login import verify_by

KEY = make_key("ES256")
GOOD = compact({"alg": "ES256", "kid": "key-1"}, claims(), KEY)
HEADER, PAYLOAD, SIGNATURE = GOOD.split(".")


def refused(token: object) -> str:
    """The code with which a token is refused."""
    with pytest.raises(IDTokenError) as caught:
        verify(token, key_set(KEY), algs=ASYMMETRIC)
    return caught.value.error


def signed(payload: str | bytes) -> str:
    """A payload as it is, with a good signature."""
    return compact({"alg": "ES256", "kid": "key-1"}, payload, KEY)


TEXT = json.dumps(claims())


@pytest.mark.parametrize(
    "payload",
    {
        "I60-null": "null",
        "I60-list": json.dumps([claims()]),
        "I60-string": json.dumps(TEXT),
        "I60-number": "5",
        "I60-empty": "",
        "I60-no-json": "not json",
        "I60-two-documents": TEXT * 2,
        "I60-utf16": TEXT.encode("utf-16"),
        "I60-bom": b"\xef\xbb\xbf" + TEXT.encode(),
        "I60-not-utf8": b'{"x":"\xff"}',
        "I60-nested-token": GOOD,
        "I24-nan": json.dumps(claims(exp=float("nan"))),
        "I24-infinity": json.dumps(claims(exp=float("inf"))),
        "I24-1e400": json.dumps(claims(exp="#")).replace('"#"', "1e400"),
        "I24-5000-digits": json.dumps(claims(exp="#")).replace('"#"', "9" * 5000),
        "I45-twice": TEXT[:-1] + ',"sub":"mallory"}',
        "I45-same-value": TEXT[:-1] + ',"sub":"alice"}',
        "I45-escaped": TEXT[:-1] + ',"s\\u0075b":"mallory"}',
        "I45-nested": TEXT[:-1] + ',"address":{"a":1,"a":2}}',
        "I45-in-a-list": TEXT[:-1] + ',"x":[[{"a":1,"a":1}]]}',
        "I48-lists": '{"x":' + "[" * 20_000 + "]" * 20_000 + "}",
        "I48-objects": '{"x":' * 10_000 + "1" + "}" * 10_000,
        "I48-unclosed": "[" * 90_000,
    }.items(),
    ids=lambda item: item[0],
)
def test_payload_must_be_one_json_object(payload: tuple[str, str | bytes]) -> None:
    assert refused(signed(payload[1])) == "invalid_id_token"


@pytest.mark.parametrize(
    "token",
    {
        "I12-one-segment": PAYLOAD,
        "I12-two-segments": f"{HEADER}.{PAYLOAD}",
        "I12-four-segments": f"{GOOD}.{SIGNATURE}",
        "I12-five-segments": f"{HEADER}..{PAYLOAD}.{SIGNATURE}.AAAA",
        "I12-six-segments": GOOD + "...",
        "I12-only-dots": "..",
        "I12-many-dots": "." * 1000,
        "I12-empty": "",
        "I12-padding": GOOD + "==",
        "I12-padded-header": f"{HEADER}=.{PAYLOAD}.{SIGNATURE}",
        "I12-plus": f"{HEADER}.{PAYLOAD}.+{SIGNATURE[1:]}",
        "I12-slash": f"{HEADER}.{PAYLOAD}./{SIGNATURE[1:]}",
        "I12-leading-space": " " + GOOD,
        "I12-trailing-newline": GOOD + "\n",
        "I12-inner-newline": f"{HEADER}.{PAYLOAD}.{SIGNATURE[:9]}\n{SIGNATURE[9:]}",
        "I12-tab": f"{HEADER}\t.{PAYLOAD}.{SIGNATURE}",
        "I12-nul": GOOD + "\0",
        "I12-not-ascii": f"{HEADER}.{PAYLOAD}.ä{SIGNATURE[1:]}",
        "I12-fullwidth": GOOD.replace("A", "\uff21"),
        "I12-surrogate": GOOD + "\ud800",
        "I12-one-character-over": GOOD + "AAA",
        "I12-stray-bits": GOOD[:-1] + chr(ord(GOOD[-1]) + 1),
        "I12-bytes": GOOD.encode(),
        "I12-none": None,
        "I12-number": 5,
        "I12-list": GOOD.split("."),
        "I12-object": {"payload": PAYLOAD, "signatures": []},
        "I12-signature-of-nothing": f"{HEADER}.{PAYLOAD}.",
        "I12-no-header": f".{PAYLOAD}.{SIGNATURE}",
        "I46-long-token": GOOD + "A" * MAX_TOKEN,
        "I46-huge-token": "A" * 5_000_000,
        "I46-long-header": compact({"alg": "ES256", "x": "a" * MAX_HEADER}, claims(), KEY),
    }.items(),
    ids=lambda item: item[0],
)
def test_token_must_be_a_compact_jws_in_canonical_form(token: tuple[str, object]) -> None:
    assert refused(token[1]) == "invalid_id_token"


@pytest.mark.parametrize("change", ["=", "==", "\t", "A", "AA", "+", "/", "-"])
def test_signed_payload_segment_must_be_canonical_too(change: str) -> None:
    """A server that signs a sloppy segment is not believed either."""
    signing_input = f"{HEADER}.{PAYLOAD}{change}"
    token = f"{signing_input}.{b64(KEY.sign(signing_input.encode()))}"

    assert refused(token) == "invalid_id_token"


def test_the_last_character_of_a_segment_has_one_form_only() -> None:
    """Of the characters that forgiving decoders take for the same, one is accepted."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    accepted = []
    for last in alphabet:
        try:
            verify(GOOD[:-1] + last, key_set(KEY))
        except IDTokenError:
            continue
        accepted.append(last)

    assert accepted == [GOOD[-1]]


HEADERS: dict[str, tuple[dict[str, Any], str]] = {
    "I02-None": ({"alg": "None"}, "unsupported_alg"),
    "I02-NONE": ({"alg": "NONE"}, "unsupported_alg"),
    "I02-nOnE": ({"alg": "nOnE"}, "unsupported_alg"),
    "I02-none": ({"alg": "none"}, "unsupported_alg"),
    "I02-missing": ({"alg": ABSENT}, "unsupported_alg"),
    "I02-null": ({"alg": None}, "unsupported_alg"),
    "I02-number": ({"alg": 256}, "unsupported_alg"),
    "I02-list": ({"alg": ["ES256"]}, "unsupported_alg"),
    "I02-object": ({"alg": {"ES256": 1}}, "unsupported_alg"),
    "I02-empty": ({"alg": ""}, "unsupported_alg"),
    "I02-space": ({"alg": "ES256 "}, "unsupported_alg"),
    "I02-case": ({"alg": "es256"}, "unsupported_alg"),
    "I02-surrogate": ({"alg": "\ud800"}, "unsupported_alg"),
    "I02-unknown": ({"alg": "ES256K"}, "unsupported_alg"),
    "I02-post-quantum": ({"alg": "ML-DSA-44"}, "unsupported_alg"),
    "I02-encryption": ({"alg": "RSA-OAEP-256", "enc": "A128GCM"}, "unsupported_alg"),
    "I09-path": ({"kid": "../../dev/null"}, "unknown_key"),
    "I09-sql": ({"kid": "' OR 1=1 --"}, "unknown_key"),
    "I09-10-kB": ({"kid": "k" * 10_000}, "unknown_key"),
    "I09-url": ({"kid": "https://evil.test/jwks"}, "unknown_key"),
    "I09-case": ({"kid": "KEY-1"}, "unknown_key"),
    "I09-empty": ({"kid": ""}, "unknown_key"),
    "I09-surrogate": ({"kid": "\ud800"}, "unknown_key"),
    "I09-number": ({"kid": 1}, "unknown_key"),
    "I09-zero": ({"kid": 0}, "unknown_key"),
    "I09-false": ({"kid": False}, "unknown_key"),
    "I09-list": ({"kid": ["key-1"]}, "unknown_key"),
    "I09-object": ({"kid": {"key-1": 1}}, "unknown_key"),
    "I10-unknown": ({"crit": ["x"], "x": 1}, "invalid_id_token"),
    "I10-known": ({"crit": ["alg"]}, "invalid_id_token"),
    "I10-b64": ({"crit": ["b64"], "b64": False}, "invalid_id_token"),
    "I10-empty": ({"crit": []}, "invalid_id_token"),
    "I10-null": ({"crit": None}, "invalid_id_token"),
    "I10-string": ({"crit": "x"}, "invalid_id_token"),
    "I49-at+jwt": ({"typ": "at+jwt"}, "invalid_id_token"),
    "I49-logout+jwt": ({"typ": "logout+jwt"}, "invalid_id_token"),
    "I49-dpop+jwt": ({"typ": "dpop+jwt"}, "invalid_id_token"),
    "I49-introspection": ({"typ": "token-introspection+jwt"}, "invalid_id_token"),
    "I49-secevent": ({"typ": "secevent+jwt"}, "invalid_id_token"),
    "I49-media-type": ({"typ": "application/at+jwt"}, "invalid_id_token"),
    "I49-case": ({"typ": "AT+JWT"}, "invalid_id_token"),
    "I49-number": ({"typ": 5}, "invalid_id_token"),
    "I49-list": ({"typ": ["JWT"]}, "invalid_id_token"),
    "I49-object": ({"typ": {}}, "invalid_id_token"),
    "I49-false": ({"typ": False}, "invalid_id_token"),
}


@pytest.mark.parametrize(("changes", "code"), HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("alg", ["ES256", "RS256"])
def test_header_is_rejected(alg: str, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(IDTokenError) as caught:
        verify_by(alg, changes)

    assert caught.value.error == code


@pytest.mark.parametrize(
    "row", [row for row, (_, code) in HEADERS.items() if code != "unknown_key"]
)
def test_header_is_rejected_when_signed_with_the_secret(row: str) -> None:
    changes, code = HEADERS[row]

    with pytest.raises(IDTokenError) as caught:
        verify_by("HS256", changes)

    assert caught.value.error == code


@pytest.mark.parametrize(
    "changes",
    {
        "no-typ": {},
        "typ-null": {"typ": None},
        "typ-JWT": {"typ": "JWT"},
        "typ-jwt": {"typ": "jwt"},
        "typ-media-type": {"typ": "application/jwt"},
        "no-kid": {"kid": ABSENT},
        "kid-null": {"kid": None},
        "unknown-member": {"x": {"y": [1]}},
        "b64-without-crit": {"b64": False},
        "I08-jku": {"jku": "https://evil.test/jwks"},
        "I08-x5u": {"x5u": "https://evil.test/cert"},
        "I08-x5c": {"x5c": ["AAAA"]},
        "I08-jwk": {"jwk": make_key("ES256", "theirs").jwk},
        "I08-nonsense": {"jku": 5, "x5u": [], "x5c": {}, "jwk": None, "x5t": False},
    }.items(),
    ids=lambda item: item[0],
)
@pytest.mark.parametrize("alg", ["ES256", "RS256", "HS256"])
def test_header_is_accepted(alg: str, changes: tuple[str, dict[str, Any]]) -> None:
    assert verify_by(alg, changes[1]).claims == claims()


@pytest.mark.parametrize("alg", ["ES256", "RS256", "EdDSA"])
def test_key_in_the_header_is_not_believed(alg: str) -> None:
    theirs = make_key(alg, "theirs", "key-1")
    token = compact({"alg": alg, "kid": "key-1", "jwk": theirs.jwk}, claims(), theirs)

    with pytest.raises(IDTokenError) as caught:
        verify(token, key_set(make_key(alg)), algs=ASYMMETRIC)

    assert caught.value.error == "bad_signature"


@pytest.mark.parametrize(
    "header",
    {
        "I45-twice": '{"alg":"ES256","kid":"key-1","kid":"key-1"}',
        "I45-alg-twice": '{"alg":"none","alg":"ES256","kid":"key-1"}',
        "I48-nested": '{"alg":"ES256","x":' + "[" * 5_000 + "]" * 5_000 + "}",
        "list": '["ES256"]',
        "null": "null",
        "no-json": "ES256",
        "empty": "",
        "not-utf8": b'{"alg":"ES256","x":"\xff"}',
    }.items(),
    ids=lambda item: item[0],
)
def test_header_must_be_one_json_object(header: tuple[str, str | bytes]) -> None:
    assert refused(compact(header[1], claims(), KEY)) == "invalid_id_token"


@pytest.mark.parametrize(
    "header",
    {
        "I01-none": {"alg": "none"},
        "I01-None": {"alg": "None"},
        "I01-NONE": {"alg": "NONE"},
        "I01-none-with-kid": {"alg": "none", "kid": "key-1"},
    }.items(),
    ids=lambda item: item[0],
)
def test_unsigned_token_is_named_so(header: tuple[str, dict[str, Any]]) -> None:
    assert refused(compact(header[1], claims(), None)) == "unsupported_alg"


@pytest.mark.parametrize(
    "header",
    {
        "I01-signed-alg": {"alg": "ES256"},
        "I01-number": {"alg": 5},
        "I01-no-json": "no json",
        "I01-list": [],
    }.items(),
    ids=lambda item: item[0],
)
def test_token_without_signature_is_malformed(header: tuple[str, Any]) -> None:
    assert refused(compact(header[1], claims(), None)) == "invalid_id_token"


def test_error_does_not_hold_the_token() -> None:
    with pytest.raises(MalformedIDTokenError) as caught:
        split_compact(GOOD + "=")

    assert PAYLOAD not in repr(vars(caught.value))
    assert caught.value.__cause__ is None


def test_segments_are_kept_as_they_were_signed() -> None:
    jwt = split_compact(GOOD)

    assert (jwt.header_segment, jwt.payload_segment) == (HEADER, PAYLOAD)
    assert jwt.signing_input == f"{HEADER}.{PAYLOAD}".encode()
    assert b64(jwt.signature) == SIGNATURE
