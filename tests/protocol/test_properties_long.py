"""Whatever arrives, nothing but our own errors is raised (fuzz targets of the case list).

That no input costs more than its length is not measured by a clock here: each reader refuses what
exceeds its cap before it looks inside, and the inputs below are bounded by those caps.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck
from hypothesis import assume
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.jwt import MAX_TOKEN
from flask_oauthclient.protocol.jwt import decode_segment
from flask_oauthclient.protocol.jwt import read_object
from flask_oauthclient.protocol.jwt import split_compact
from flask_oauthclient.protocol.messages import Response
from flask_oauthclient.protocol.oauth2.callback import check_callback
from flask_oauthclient.protocol.oauth2.callback import parse_callback
from flask_oauthclient.protocol.oauth2.metadata import check_untrusted_issuer
from flask_oauthclient.protocol.oauth2.metadata import parse_metadata
from flask_oauthclient.protocol.oauth2.token import OAuth2Token
from flask_oauthclient.protocol.oauth2.token import parse_token_response
from flask_oauthclient.protocol.oidc.claims import UserInfo
from flask_oauthclient.protocol.oidc.id_token import half_hash
from flask_oauthclient.protocol.oidc.jwks import JWKSet
from flask_oauthclient.protocol.oidc.jwks import parse_jwk_set
from flask_oauthclient.protocol.oidc.userinfo import parse_userinfo
from flask_oauthclient.protocol.oidc.userinfo import subject_of
from flask_oauthclient.protocol.urls import is_loopback
from flask_oauthclient.protocol.urls import is_secure
from flask_oauthclient.protocol.urls import origin
from tests.protocol._keys import b64
from tests.protocol._keys import compact
from tests.protocol._keys import make_key
from tests.protocol._login import ISSUER
from tests.protocol._login import claims
from tests.protocol._login import key_set
from tests.protocol._login import verify

pytestmark = pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")

settings.register_profile(
    "protocol",
    deadline=None,
    max_examples=3000,
    # The fixtures that every test has look at it as a whole, not at each example.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
properties = settings(settings.get_profile("protocol"))

KEY = make_key("ES256")
KEYS = key_set(KEY, make_key("EdDSA", kid="key-2"))
GOOD = compact({"alg": "ES256", "kid": "key-1"}, claims(), KEY)

# Text with half surrogate pairs too: JSON can carry them.
text = st.text(st.characters(exclude_categories=[]), max_size=60)
numbers = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([10**300, 10**4000, -(10**400), 2**53, 2**64, 1e300, -1e300]),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, text)
values = st.recursive(
    scalars,
    lambda v: st.one_of(st.lists(v, max_size=4), st.dictionaries(text, v, max_size=4)),
    max_leaves=12,
)
segments = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", max_size=60)


def objects(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects in which some of the names that matter have whatever value."""
    some = st.dictionaries(st.sampled_from(names), values, max_size=len(names))
    others = st.dictionaries(text, values, max_size=2)
    return st.builds(lambda a, b: {**b, **a}, some, others)


def dumped(value: Any) -> bytes:
    """JSON as a careless server writes it: NaN and Infinity included."""
    return json.dumps(value).encode()


def only_our_errors(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call, and let nothing but our own errors pass for a refusal."""
    try:
        return function(*args, **kwargs)
    except OAuthError as error:
        refused = error
    assert refused.error
    assert 400 <= refused.http_status < 600
    assert "\n" not in str(refused)
    return None


@properties
@given(segment=st.one_of(segments, text))
@example("A")
@example("AB")
@example("AA==")
@example("A+")
@example("\ud800")
def test_decode_segment_is_canonical(segment: str) -> None:
    """Decoding succeeds if and only if encoding again gives the very same text."""
    try:
        decoded = decode_segment(segment)
    except ValueError:
        forgiving = segment.encode("utf-8", "replace") + b"=" * (-len(segment) % 4)
        try:
            raw = base64.b64decode(forgiving, b"-_", validate=True)
        except ValueError:
            return
        assert b64(raw) != segment
    else:
        assert b64(decoded) == segment


@properties
@given(data=st.binary(max_size=200))
def test_every_byte_string_has_one_segment(data: bytes) -> None:
    assert decode_segment(b64(data)) == data


@properties
@given(
    token=st.one_of(
        text,
        st.binary(max_size=40),
        values,
        st.lists(st.one_of(segments, text), max_size=6).map(".".join),
        st.lists(values.map(dumped).map(b64), min_size=2, max_size=4).map(".".join),
    )
)
def test_anything_as_an_id_token(token: Any) -> None:
    assert only_our_errors(verify, token, KEYS) is None
    only_our_errors(split_compact, token)
    only_our_errors(subject_of, token)


@properties
@given(header=objects("alg", "kid", "typ", "crit", "jwk", "jku", "x5c", "b64", "enc", "zip", "cty"))
def test_anything_in_a_header(header: dict[str, Any]) -> None:
    token = f"{b64(dumped(header))}.{GOOD.partition('.')[2]}"

    assert only_our_errors(verify, token, KEYS) is None


@properties
@given(changes=objects("alg", "kid", "typ", "x", "nested"))
def test_anything_in_a_header_that_is_signed(changes: dict[str, Any]) -> None:
    header = {"alg": "ES256", "kid": "key-1", **changes}
    try:
        token = compact(header, claims(), KEY)
    except ValueError:  # an integer that JSON does not write
        assume(False)

    content = only_our_errors(verify, token, KEYS)
    if content is not None:
        assert (content.header["alg"], content.claims) == ("ES256", claims())


CLAIMS = ("iss", "sub", "aud", "azp", "exp", "iat", "nbf", "nonce", "auth_time", "acr", "amr")
HASHES = ("at_hash", "c_hash", "s_hash", "events", "_claim_sources", "email_verified")


@properties
@given(
    changes=objects(*CLAIMS, *HASHES),
    max_age=st.none() | st.integers(0, 100),
    acr=st.sampled_from([(), ("gold",)]),
)
def test_anything_in_a_payload_that_is_signed(
    changes: dict[str, Any], max_age: int | None, acr: tuple[str, ...]
) -> None:
    try:
        token = compact({"alg": "ES256", "kid": "key-1"}, {**claims(), **changes}, KEY)
    except ValueError:
        assume(False)

    content = only_our_errors(
        verify, token, KEYS, max_age=max_age, acr_values=acr, code="c", state="s"
    )
    if content is not None:
        got = content.claims
        assert (got["iss"], got["nonce"]) == (ISSUER, claims()["nonce"])
        assert got["aud"] in ("me", ["me"]) or set(got["aud"]) == {"me"}
        assert isinstance(got["sub"], str)
        UserInfo(got)


@properties
@given(payload=st.one_of(st.binary(max_size=200), text.map(lambda t: t.encode("utf-8", "replace"))))
def test_any_bytes_as_a_payload_that_is_signed(payload: bytes) -> None:
    token = compact({"alg": "ES256", "kid": "key-1"}, payload, KEY)

    assert only_our_errors(verify, token, KEYS) is None


@pytest.mark.parametrize("filler", ["A", ".", "A.", "é", "\0", "eyJ", "="])
@pytest.mark.parametrize("size", [65_536, MAX_TOKEN + 1, 4_000_000])
def test_long_tokens(filler: str, size: int) -> None:
    token = (filler * size)[:size]

    assert only_our_errors(verify, token, KEYS) is None
    assert only_our_errors(subject_of, token) is None


@properties
@given(value=text, alg=st.sampled_from(["RS256", "ES512", "EdDSA", "none", ""]) | text)
def test_half_hash_of_anything(value: str, alg: str) -> None:
    half_hash(value, alg)


MEMBERS = ("kty", "crv", "x", "y", "n", "e", "d", "k", "kid", "alg", "use", "key_ops", "x5c", "p")
jwks = st.one_of(
    values,
    objects(*MEMBERS),
    objects(*MEMBERS).map(lambda changes: {**KEY.jwk, **changes}),
    objects(*MEMBERS).map(lambda changes: {**make_key("RS256").jwk, **changes}),
    st.tuples(
        st.sampled_from(["RSA", "EC", "OKP", "oct"]),
        st.sampled_from(["P-256", "P-384", "P-521", "Ed25519", "Ed448", "X25519", "secp256k1"]),
        st.lists(segments, min_size=5, max_size=5),
    ).map(lambda t: {"kty": t[0], "crv": t[1], **dict(zip("xynek", t[2], strict=True))}),
)


@properties
@given(keys=st.lists(jwks, max_size=4), alg=st.sampled_from(["ES256", "RS256", "EdDSA", "PS512"]))
@example([{**KEY.jwk, "alg": ["ES256"]}], "ES256")
@example([{**KEY.jwk, "kid": {}}], "ES256")
def test_any_key_set(keys: list[Any], alg: str) -> None:
    parsed = JWKSet(keys)

    assert len(parsed) <= len(keys)
    for kid in ("key-1", None, 5):
        only_our_errors(parsed.verify, alg, kid, b"data", b"signature" * 7)


bodies = st.one_of(
    st.binary(max_size=200),
    text.map(lambda t: t.encode("utf-8", "replace")),
    values.map(dumped),
    st.sampled_from([b"[" * 65_536, b'{"a":' * 13_000, b'"' + b"\\" * 65_000, b"1" * 65_536]),
)
JSON_OR = st.sampled_from(
    ["application/json", "application/x-www-form-urlencoded", "text/html", "application/jwt", ""]
)
headers = st.fixed_dictionaries(
    {"content-type": JSON_OR | text}, optional={"www-authenticate": text, "etag": text}
)
statuses = st.sampled_from([200, 201, 204, 304, 400, 401, 403, 404, 429, 500, 503])


def responses(*names: str) -> st.SearchStrategy[Response]:
    """Answers of whatever kind, some of which come close to a good one."""
    near = objects(*names).map(dumped)
    form = st.dictionaries(st.sampled_from(names), text, max_size=5).map(
        lambda d: "&".join(f"{k}={v}" for k, v in d.items()).encode("utf-8", "replace")
    )
    return st.builds(Response, statuses, headers, st.one_of(bodies, near, form))


TOKEN = ("access_token", "token_type", "expires_in", "expires_at", "scope", "error", "id_token")


@properties
@given(response=responses(*TOKEN, "error_description", "error_uri", "refresh_token"))
def test_any_answer_of_the_token_endpoint(response: Response) -> None:
    token = only_our_errors(parse_token_response, response)
    if token is not None:
        assert 200 <= response.status < 300
        assert token["access_token"].isprintable()
        assert token["access_token"].isascii()
        assert token.is_expired() in (True, False, None)
        assert "error" not in token


@properties
@given(params=objects(*TOKEN), old=objects(*TOKEN))
def test_any_stored_token(params: dict[str, Any], old: dict[str, Any]) -> None:
    token = OAuth2Token(params)

    assert token.is_expired() in (True, False, None)
    assert token.merged_over(old).is_expired() in (True, False, None)
    repr(token)


ENDPOINTS = ("issuer", "token_endpoint", "authorization_endpoint", "jwks_uri", "jwks", "keys")


@properties
@given(response=responses(*ENDPOINTS, "mtls_endpoint_aliases"), http=st.booleans())
def test_any_metadata_document(response: Response, http: bool) -> None:
    document = only_our_errors(parse_metadata, response, ISSUER, insecure_http=http)
    if document is not None:
        assert response.status == 200
        assert document.get("issuer", ISSUER) == ISSUER
        assert isinstance(document.get("token_endpoint", ""), str)


@properties
@given(response=responses("keys"))
def test_any_key_set_document(response: Response) -> None:
    document = only_our_errors(parse_jwk_set, response)
    if document is not None:
        JWKSet(document["keys"])


@properties
@given(response=responses("sub", "email_verified", "iss"), openid=st.booleans())
def test_any_userinfo(response: Response, openid: bool) -> None:
    info = only_our_errors(
        parse_userinfo,
        response,
        sub="alice" if openid else None,
        openid=openid,
        verify_jwt=lambda token: read_object(token.partition(".")[0]),
    )
    if info is not None and openid:
        assert info["sub"] == "alice"


NAMES = st.sampled_from(["code", "state", "iss", "error", "error_description", "response"])
pairs = st.lists(st.tuples(NAMES | text, text), max_size=8)


@properties
@given(
    pairs=st.one_of(pairs, text.map(lambda t: parse_qsl(t, keep_blank_values=True))),
    required=st.booleans(),
    issuer=st.none() | st.just(ISSUER),
)
def test_any_callback(pairs: list[tuple[str, str]], required: bool, issuer: str | None) -> None:
    response = parse_callback(pairs)

    code = only_our_errors(check_callback, response, issuer=issuer, iss_required=required)
    if code is not None:
        given_names = [name for name, _ in pairs]
        assert given_names.count("code") == 1
        assert "error" not in given_names
        assert issuer is None or dict(pairs).get("iss", issuer) == issuer


hosts = st.one_of(
    text,
    st.ip_addresses().map(lambda ip: f"[{ip}]" if ip.version == 6 else str(ip)),
    st.integers(0, 2**33).map(str),
    st.from_regex(r"[a-z0-9.\-\[\]:%@\\/?#_]{0,40}", fullmatch=True),
)
urls = st.one_of(
    text,
    values,
    st.tuples(st.sampled_from(["https://", "http://", "", "//", "ftp://"]), hosts, text).map(
        "".join
    ),
)


@properties
@given(issuer=urls)
def test_any_issuer_that_a_user_types(issuer: Any) -> None:
    only_our_errors(check_untrusted_issuer, issuer, lambda _: True)


@properties
@given(ip=st.ip_addresses())
def test_no_address_passes_that_is_not_public(ip: Any) -> None:
    host = f"[{ip}]" if ip.version == 6 else str(ip)
    try:
        check_untrusted_issuer(f"https://{host}", lambda _: True)
    except OAuthError:
        return
    assert ip.is_global
    assert not (ip.is_private)
    assert not (ip.is_loopback)
    assert not (ip.is_link_local)
    assert not (ip.is_multicast)


@properties
@given(url=urls)
def test_any_url(url: Any) -> None:
    only_our_errors(origin, url)
    if is_loopback(url):
        assert is_secure(url)
        assert "@" not in url.partition("://")[2].partition("/")[0]
    if is_secure(url):
        assert origin(url)[0] in ("https", "http")
