"""A signed request: parameters, their place, what is signed and what is refused (O04, O06)."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import threading
import time
from typing import Any
from urllib.parse import parse_qsl

import pytest

from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.oauth1 import ClientAuth
from tests.helpers.clock import Clock
from tests.helpers.leaks import Watch
from tests.protocol.oauth1._signers import FORM
from tests.protocol.oauth1._signers import METHODS
from tests.protocol.oauth1._signers import NONCE
from tests.protocol.oauth1._signers import TIMESTAMP
from tests.protocol.oauth1._signers import URL
from tests.protocol.oauth1._signers import fields
from tests.protocol.oauth1._signers import pem
from tests.protocol.oauth1._signers import sign
from tests.protocol.oauth1._signers import signer

# -- the parameters ----------------------------------------------------------------------


def test_parameters_stand_in_their_order() -> None:
    auth = signer(redirect_uri="https://app.test/cb", verifier="v", force_include_body=True)
    sent = sign(auth, body=b"{}", headers={"Content-Type": "application/json"})

    assert list(sent) == [
        "oauth_nonce",
        "oauth_timestamp",
        "oauth_version",
        "oauth_signature_method",
        "oauth_consumer_key",
        "oauth_token",
        "oauth_callback",
        "oauth_verifier",
        "oauth_body_hash",
        "oauth_signature",
    ]
    assert sent["oauth_nonce"] == NONCE
    assert sent["oauth_timestamp"] == TIMESTAMP
    assert sent["oauth_version"] == "1.0"
    assert sent["oauth_signature_method"] == "HMAC-SHA1"
    assert sent["oauth_callback"] == "https://app.test/cb"


def test_what_is_not_set_is_not_sent() -> None:
    sent = sign(ClientAuth("a-client"))

    assert list(sent)[4:] == ["oauth_consumer_key", "oauth_signature"]


def test_attributes_may_be_changed() -> None:
    auth = signer()
    auth.client_id, auth.token, auth.signature_method = "b", None, "PLAINTEXT"
    auth.client_secret, auth.token_secret, auth.realm = "c", "d", "r"
    sent = sign(auth)

    assert sent["oauth_consumer_key"] == "b"
    assert "oauth_token" not in sent
    assert sent["oauth_signature"] == "c&d"
    assert sent["realm"] == "r"


def test_nonce_is_lower_case_hex_and_timestamp_is_now(clock: Clock) -> None:
    clock.advance(1000)
    sent = sign(ClientAuth("c", "s"))

    assert re.fullmatch("[0-9a-f]{24}", sent["oauth_nonce"])
    assert abs(int(sent["oauth_timestamp"]) - time.time()) < 5


def test_nonces_are_unique_under_fifty_threads() -> None:
    """Row O06."""
    auth, nonces, ready = ClientAuth("c", "s"), [], threading.Barrier(50)

    def sign_some() -> None:
        ready.wait()
        nonces.extend(sign(auth)["oauth_nonce"] for _ in range(40))

    threads = [threading.Thread(target=sign_some) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(nonces) == 2000
    assert len(set(nonces)) == 2000


# -- the header --------------------------------------------------------------------------


def test_header_is_written_as_the_rfc_has_it() -> None:
    auth = signer(signature_method="PLAINTEXT", realm="Photos")
    url, headers, body = auth.prepare("GET", URL, {"Accept": "*/*"}, None)

    assert (url, body) == (URL, None)
    assert headers == {
        "Accept": "*/*",
        "Authorization": (
            f'OAuth realm="Photos", oauth_nonce="{NONCE}", oauth_timestamp="{TIMESTAMP}", '
            'oauth_version="1.0", oauth_signature_method="PLAINTEXT", '
            'oauth_consumer_key="a-client", oauth_token="a-token", '
            'oauth_signature="a-client-secret%26a-token-secret"'
        ),
    }


def test_header_of_an_earlier_credential_is_replaced() -> None:
    given = {"authorization": "Bearer x"}
    _, headers, _ = signer().prepare("GET", URL, given, None)

    assert list(headers) == ["Authorization"]
    assert given == {"authorization": "Bearer x"}


@pytest.mark.parametrize(
    ("realm", "written"), [("a b", "a b"), (["a", "b"], "a b"), (("http://x/",), "http://x/")]
)
def test_realm_may_be_several(realm: Any, written: str) -> None:
    assert sign(signer(realm=realm))["realm"] == written


@pytest.mark.parametrize("realm", [None, "", [], ()])
def test_no_realm(realm: Any) -> None:
    assert "realm" not in sign(signer(realm=realm))


@pytest.mark.parametrize(
    "realm", ['a"b', "a\\b", "a\r\nX: y", "a\x00", "\x7f", "é", ["a", '"'], 5, b"a"]
)
def test_realm_cannot_break_out(realm: Any) -> None:
    with pytest.raises(InvalidSettingError, match="realm"):
        sign(signer(realm=realm))


def test_headers_may_be_none() -> None:
    _, headers, _ = signer().prepare("GET", URL, None, None)

    assert list(headers) == ["Authorization"]


# -- the query ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "start", "end"),
    [
        (URL, f"{URL}?oauth_nonce=", ""),
        (f"{URL}?a=1", f"{URL}?a=1&oauth_nonce=", ""),
        (f"{URL}?", f"{URL}?oauth_nonce=", ""),
        (f"{URL}?a=1&#top?", f"{URL}?a=1&oauth_nonce=", "#top?"),
        (f"{URL}#top", f"{URL}?oauth_nonce=", "#top"),
    ],
)
def test_query_placement_appends(url: str, start: str, end: str) -> None:
    sent, headers, body = signer(signature_type="QUERY").prepare("GET", url, {}, None)

    assert sent.startswith(start)
    assert sent.endswith(end)
    assert headers == {}
    assert body is None
    assert dict(parse_qsl(sent.partition("#")[0].partition("?")[2]))["oauth_signature"]


# -- the body ----------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "start"), [("a=1", "a=1&oauth_"), (b"a=1&", b"a=1&oauth_")])
def test_body_placement_appends_to_the_form(body: Any, start: Any) -> None:
    auth = signer(signature_type="BODY")
    url, headers, sent = auth.prepare("POST", URL, {"Content-Type": FORM}, body)

    assert url == URL
    assert headers == {"Content-Type": FORM}
    assert sent.startswith(start)
    assert type(sent) is type(body)


@pytest.mark.parametrize("body", [None, "", b""])
@pytest.mark.parametrize("given", [{}, {"content-type": "application/json"}])
def test_body_placement_makes_a_form(body: Any, given: dict[str, str]) -> None:
    _, headers, sent = signer(signature_type="BODY").prepare("POST", URL, given, body)

    assert headers == {"Content-Type": FORM}
    assert dict(parse_qsl(sent))["oauth_token"] == "a-token"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('{"a": 1}', "application/json"),
        ("a=1", "text/plain"),
        ("<a/>", None),
        (b"--x", "multipart/form-data; boundary=x"),
        (io.BytesIO(b"a=1"), None),
    ],
)
def test_body_placement_needs_a_form(body: Any, content_type: str | None) -> None:
    given = {"Content-Type": content_type} if content_type else {}
    with pytest.raises(InvalidSettingError, match="BODY"):
        signer(signature_type="BODY").prepare("POST", URL, given, body)


@pytest.mark.parametrize("content_type", [FORM, f"{FORM}; charset=utf-8", FORM.upper()])
@pytest.mark.parametrize("placement", ["HEADER", "QUERY", "BODY"])
def test_content_type_stays_as_it_was(content_type: str, placement: str) -> None:
    auth = signer(signature_type=placement)
    _, headers, _ = auth.prepare("POST", URL, {"content-type": content_type}, "a=1")

    assert headers.pop("content-type") == content_type
    assert "Content-Type" not in headers


@pytest.mark.parametrize("content_type", [FORM, f"{FORM}; charset=utf-8", FORM.upper().encode()])
def test_form_is_signed(content_type: Any) -> None:
    headers = {"Content-Type": content_type}
    signed = sign(signer(), method="POST", headers=headers, body="b=2&a=1")

    assert signed == sign(signer(), f"{URL}?a=1&b=2", "POST")
    assert signed == sign(signer(), method="POST", headers=headers, body=b"b=2&a=1")


def test_body_that_reads_as_a_form_is_one() -> None:
    _, headers, body = signer().prepare("POST", URL, {}, "a=1+1&b")

    assert body == "a=1+1&b"
    assert headers["Content-Type"] == FORM
    assert fields(headers) == sign(signer(), f"{URL}?a=1%201&b=", "POST")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('{"a": 1}', "application/json"),
        (b"\x00\xff", None),
        ("<a>", None),
        ("a=%zz", None),
        ("a=1", "text/plain"),
        (b"a=1", "multipart/form-data; boundary=a"),
        (io.BytesIO(b"x"), None),
        (iter([b"x"]), None),
    ],
)
def test_other_bodies_are_left_alone(body: Any, content_type: str | None) -> None:
    given = {"Content-Type": content_type} if content_type else {}
    _, headers, sent = signer().prepare("POST", URL, given, body)

    assert sent is body
    assert fields(headers) == sign(signer(), method="POST")
    assert headers.get("Content-Type") == content_type


@pytest.mark.parametrize("body", ['{"a": "é"}', '{"a": "é"}'.encode()])
def test_body_hash(body: Any) -> None:
    auth = signer(force_include_body=True)
    sent = sign(auth, method="POST", headers={"Content-Type": "application/json"}, body=body)
    digest = hashlib.sha1('{"a": "é"}'.encode()).digest()

    assert base64.b64decode(sent["oauth_body_hash"]) == digest


@pytest.mark.parametrize("body", [None, "", b"", "a=1"])
def test_forms_and_empty_bodies_have_no_hash(body: Any) -> None:
    assert "oauth_body_hash" not in sign(
        signer(force_include_body=True), method="POST", headers={"Content-Type": FORM}, body=body
    )


@pytest.mark.parametrize("body", [io.BytesIO(b"x"), iter([b"x"]), "\ud800"])
def test_stream_cannot_be_hashed(body: Any) -> None:
    headers = {"Content-Type": "text/plain"}
    with pytest.raises(InvalidSettingError, match="force_include_body"):
        sign(signer(force_include_body=True), method="POST", headers=headers, body=body)


# -- parameters that are there already ---------------------------------------------------


@pytest.mark.parametrize("placement", ["HEADER", "QUERY", "BODY"])
@pytest.mark.parametrize(
    "brought",
    [
        "oauth_token=hush",
        "a=1&oauth_signature=hush",
        "oauth%5Ftoken=hush",
        "oauth_nonce",
        "%6Fauth_version=hush",
    ],
)
def test_parameter_is_not_sent_twice(placement: str, brought: str, watch: Watch) -> None:
    watch.secret("hush")
    auth = signer(signature_type=placement)
    with pytest.raises(InvalidSettingError, match="oauth_"):
        auth.prepare("POST", f"{URL}?{brought}", {}, None)
    with pytest.raises(InvalidSettingError, match="oauth_"):
        auth.prepare("POST", URL, {"Content-Type": FORM}, brought)


@pytest.mark.parametrize(
    "query", ["oauth_session_handle=x", "oauth_verifier=x", "x_oauth_token=x", "a=oauth_token"]
)
def test_other_parameters_may_be_brought(query: str) -> None:
    assert sign(signer(), f"{URL}?{query}")["oauth_signature"]


# -- the transport -----------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_http_is_refused(method: str) -> None:
    auth = signer(signature_method=method, rsa_key=pem())
    with pytest.raises(InsecureTransportError):
        sign(auth, "http://api.test/")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:5000/", "http://localhost/", "http://[::1]/", "https://api.test/"]
)
@pytest.mark.parametrize("method", METHODS)
def test_loopback_and_https_are_accepted(method: str, url: str) -> None:
    assert sign(signer(signature_method=method, rsa_key=pem()), url)["oauth_signature"]


@pytest.mark.parametrize("method", [m for m in METHODS if m != "PLAINTEXT"])
def test_http_may_be_allowed(method: str) -> None:
    auth = signer(signature_method=method, rsa_key=pem())

    assert sign(auth, "http://api.test/", insecure_http=True)["oauth_signature"]


@pytest.mark.parametrize("insecure_http", [pytest.param(b, id=f"O04-{b}") for b in (True, False)])
def test_plaintext_over_http_is_always_refused(insecure_http: bool) -> None:
    with pytest.raises(InsecureTransportError, match="PLAINTEXT"):
        sign(signer(signature_method="PLAINTEXT"), "http://api.test/", insecure_http=insecure_http)


@pytest.mark.parametrize(
    "url", ["api.test", "ftp://api.test/", "https://u:p@api.test/", "https://api.test\\@x/", ""]
)
def test_what_is_no_http_url_is_refused(url: str) -> None:
    with pytest.raises(InsecureTransportError):
        sign(signer(), url, insecure_http=True)


# -- settings ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["HMAC-MD5", "", None, [], "hmac-sha1"])
def test_unknown_signature_method(name: Any) -> None:
    with pytest.raises(InvalidSettingError, match=r"HMAC-SHA1, .*PLAINTEXT"):
        signer(signature_method=name)
    auth = signer()
    auth.signature_method = name
    with pytest.raises(InvalidSettingError, match=r"HMAC-SHA1, .*PLAINTEXT"):
        sign(auth)


@pytest.mark.parametrize("name", ["AUTH_HEADER", "", None, [], "header"])
def test_unknown_signature_type(name: Any) -> None:
    with pytest.raises(InvalidSettingError, match="HEADER, QUERY, BODY"):
        signer(signature_type=name)
    auth = signer()
    auth.signature_type = name
    with pytest.raises(InvalidSettingError, match="HEADER, QUERY, BODY"):
        sign(auth)


def test_plaintext_in_the_query_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="PLAINTEXT in the QUERY"):
        ClientAuth("me", "a secret", signature_method="PLAINTEXT", signature_type="QUERY")
