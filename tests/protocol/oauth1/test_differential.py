"""Byte for byte what oauthlib signs: over two thousand requests of every kind.

Inputs that oauthlib refuses, or reads in another way than RFC 5849 does, are not drawn; each such
restriction says why.
"""

from __future__ import annotations

import json
import logging
from typing import Any
from urllib.parse import quote
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck
from hypothesis import assume
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from oauthlib import oauth1

from flask_oauthclient.protocol.oauth1 import ClientAuth
from tests.protocol.oauth1._signers import FORM
from tests.protocol.oauth1._signers import METHODS
from tests.protocol.oauth1._signers import NONCE
from tests.protocol.oauth1._signers import TIMESTAMP
from tests.protocol.oauth1._signers import FixedAuth
from tests.protocol.oauth1._signers import pem

pytestmark = pytest.mark.filterwarnings("ignore:PLAINTEXT in the QUERY")

HMAC = [name for name in METHODS if not name.startswith("RSA")]
RSA = [name for name in METHODS if name.startswith("RSA")]
CALLBACKS = ["https://app.test/cb?next=a%20b&x", "http://127.0.0.1:5000/cb/?a=b+c", "oob"]
PARAMETERS = ("client_id", "token", "redirect_uri", "verifier")
PLACEMENTS = {"HEADER": "AUTH_HEADER", "QUERY": "QUERY", "BODY": "BODY"}


def examples(number: int) -> settings:
    """So many examples, each of which may take its time."""
    return settings(
        max_examples=number,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


# -- what is drawn -----------------------------------------------------------------------

# Half surrogate pairs are no text that could be sent.
characters = st.one_of(st.sampled_from("ab~-._ +%&=/*'!()é☃\u0301😀"), st.characters(codec="utf-8"))
text = st.text(characters, max_size=12)
maybe = st.one_of(st.none(), text)

# oauthlib decodes values whose names begin with oauth_ a second time.
names = text.filter(lambda name: not name.startswith("oauth_"))
pairs = st.lists(st.tuples(names, text), max_size=5).flatmap(
    # Some of them twice, in another order.
    lambda drawn: st.sampled_from([drawn, drawn + drawn[:2], [*drawn[::-1], ("a", ""), ("a", "")]])
)


def _lower_hex(value: str) -> str:
    return "".join(f"%{byte:02x}" for byte in value.encode())


ENCODERS = [
    lambda value: quote(value, safe=""),
    lambda value: quote(value, safe=";:@!$'()*,/?~"),
    lambda value: quote(value, safe=" ").replace(" ", "+"),
    _lower_hex,
]


@st.composite
def encoded(draw: st.DrawFn) -> str:
    """A form as one of several encoders writes it."""
    encode = draw(st.sampled_from(ENCODERS))
    form = "&".join(f"{encode(name)}={encode(value)}" for name, value in draw(pairs))
    return form + draw(st.sampled_from(["", "&c2", "&&"])) if form else form


@st.composite
def bases(draw: st.DrawFn, *, https: bool) -> str:
    """A URL without its query."""
    scheme = "https" if https else draw(st.sampled_from(["https", "http"]))
    # oauthlib writes IPv6 addresses in their shortest form, as this one is.
    host = draw(st.sampled_from(["api.test", "API.Test", "127.0.0.1", "[::1]", "xn--bcher-kva.ch"]))
    port = draw(st.sampled_from(["", ":443", ":80", ":8443"]))
    segments = draw(st.lists(text, max_size=3))
    safe = draw(st.sampled_from(["~", "~!$&'()*+,;=:@"]))
    path = "".join("/" + quote(segment, safe=safe) for segment in segments)
    # Taking a URL apart, oauthlib loses a semicolon that nothing follows.
    assume(not path.endswith(";"))
    return f"{scheme}://{host}{port}{path}"


@st.composite
def clients(draw: st.DrawFn, methods: list[str]) -> dict[str, Any]:
    """Settings of a signer."""
    method = draw(st.sampled_from(methods))
    realm = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\'))
    return {
        "client_id": draw(text.filter(bool)),
        "client_secret": draw(maybe),
        "token": draw(maybe),
        "token_secret": draw(maybe),
        "redirect_uri": draw(st.one_of(maybe, st.sampled_from(CALLBACKS))),
        "verifier": draw(maybe),
        "realm": draw(st.one_of(st.none(), realm)),
        "rsa_key": pem() if method.startswith("RSA") else None,
        "signature_method": method,
    }


@st.composite
def bodies(draw: st.DrawFn, placement: str, form: st.SearchStrategy[str]) -> tuple[str, Any, Any]:
    """A method, a body and its content type."""
    if placement == "BODY":
        # oauthlib refuses the body of a GET, and any that is no form, for this placement.
        return draw(st.sampled_from(["POST", "PUT"])), draw(form), FORM
    kind = draw(st.sampled_from(["none", "form", "json"]))
    if kind == "none":
        return draw(st.sampled_from(["GET", "get", "HEAD", "DELETE", "REPORT", "X Y"])), None, None
    method = draw(st.sampled_from(["POST", "put", "PATCH", "DELETE"]))
    if kind == "form":
        return method, draw(form), FORM
    # oauthlib reads JSON that is no object or list as a form.
    return method, json.dumps(draw(st.dictionaries(text, text, max_size=3))), "application/json"


@st.composite
def requests(draw: st.DrawFn, placement: str, *, https: bool) -> tuple[str, str, Any, Any]:
    """Method, URL, headers and body."""
    # What stands where oauthlib appends parameters is written anew by it, as urlencode() does.
    plain = pairs.map(urlencode)
    base = draw(bases(https=https))
    query = draw(plain if placement == "QUERY" else encoded())
    method, body, content_type = draw(
        bodies(placement, plain if placement == "BODY" else encoded())
    )
    headers = {"Accept": "*/*"}
    if content_type:
        headers["Content-Type"] = content_type
    host = draw(st.sampled_from([None, None, "Other.test", "other.test:443", "other.test:81"]))
    if host:
        headers["Host"] = host
    fragment = draw(st.sampled_from(["", "#top"]))
    return method, f"{base}?{query}{fragment}" if query else base + fragment, headers, body


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """What oauthlib logs, keys of HMAC and all, is thousands of lines."""
    monkeypatch.setattr(logging.getLogger("oauthlib"), "disabled", True)
    for name in ("oauthlib.oauth1.rfc5849", "oauthlib.oauth1.rfc5849.signature"):
        monkeypatch.setattr(logging.getLogger(name), "disabled", True)


# -- the two -----------------------------------------------------------------------------


def theirs(client: dict[str, Any], placement: str, request: tuple[str, str, Any, Any]) -> Any:
    """A request as oauthlib signs it."""
    method, url, headers, body = request
    signer = oauth1.Client(
        client["client_id"],
        client_secret=client["client_secret"],
        resource_owner_key=client["token"],
        resource_owner_secret=client["token_secret"],
        callback_uri=client["redirect_uri"],
        signature_method=client["signature_method"],
        signature_type=PLACEMENTS[placement],
        rsa_key=client["rsa_key"],
        verifier=client["verifier"],
        realm=client["realm"],
        nonce=NONCE,
        timestamp=TIMESTAMP,
    )
    signed_url, signed_headers, signed_body = signer.sign(url, method, body, dict(headers))
    return signed_url, dict(signed_headers), signed_body


def ours(client: dict[str, Any], placement: str, request: tuple[str, str, Any, Any]) -> Any:
    """The same request as it is signed here."""
    method, url, headers, body = request
    auth: ClientAuth = FixedAuth(**client, signature_type=placement, force_include_body=True)
    return auth.prepare(method, url, headers, body, insecure_http=True)


def assert_same(client: dict[str, Any], placement: str, data: st.DataObject) -> None:
    """Draw a request, and compare."""
    if placement != "HEADER":
        # Outside the header oauthlib decodes the values of protocol parameters a second time.
        assume("%" not in "".join(client[name] or "" for name in PARAMETERS))
    https = client["signature_method"] == "PLAINTEXT"  # it is refused over http
    request = data.draw(requests(placement, https=https))
    (url, headers, body), (their_url, their_headers, their_body) = (
        ours(client, placement, request),
        theirs(client, placement, request),
    )

    assert headers == their_headers
    assert spaces_alike(url) == spaces_alike(their_url)
    assert spaces_alike(body) == spaces_alike(their_body)


def spaces_alike(form: str | None) -> str | None:
    """A space among the parameters is ``+`` there and ``%20`` here, which every reader takes."""
    return form.replace("+", "%20") if form else form


@pytest.mark.parametrize("placement", PLACEMENTS)
@examples(700)
@given(client=clients(HMAC), data=st.data())
def test_hmac_and_plaintext(placement: str, client: dict[str, Any], data: st.DataObject) -> None:
    assert_same(client, placement, data)


@pytest.mark.parametrize("placement", PLACEMENTS)
@examples(40)
@given(client=clients(RSA), data=st.data())
def test_rsa(placement: str, client: dict[str, Any], data: st.DataObject) -> None:
    assert_same(client, placement, data)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_every_method_in_every_place(name: str, placement: str) -> None:
    client = {
        "client_id": "c&c",
        "client_secret": "s s",
        "token": "t~",
        "token_secret": "ts=",
        "redirect_uri": "https://app.test/cb?a=b",
        "verifier": "v+v",
        "realm": "Photos",
        "rsa_key": pem(),
        "signature_method": name,
    }
    request = ("POST", "https://Api.test:443/a%20b?b=2&a=1&a=", {"Content-Type": FORM}, "c=%C3%A9")
    url, headers, body = ours(client, placement, request)

    assert (url, headers, body) == theirs(client, placement, request)
    assert (url, headers, body) != request[1:]
