"""Signature base strings and signatures: the examples of RFC 5849, and row O05."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.oauth1 import ClientAuth
from flask_oauthclient.protocol.oauth1 import SignatureRequest
from flask_oauthclient.protocol.oauth1.signature import METHODS
from flask_oauthclient.protocol.oauth1.signature import base_string
from flask_oauthclient.protocol.oauth1.signature import base_string_uri
from flask_oauthclient.protocol.oauth1.signature import escape
from flask_oauthclient.protocol.oauth1.signature import escaped_pairs
from flask_oauthclient.protocol.oauth1.signature import normalize_parameters
from tests.protocol.oauth1._signers import rsa_key

CLIENT = ("dpf43f3p2l4k3l03", "kd94hf93k423kf44")
INITIATE = [
    ("oauth_consumer_key", CLIENT[0]),
    ("oauth_signature_method", "HMAC-SHA1"),
    ("oauth_timestamp", "137131200"),
    ("oauth_nonce", "wIjqoS"),
    ("oauth_callback", "http://printer.example.com/ready"),
]
TOKEN = [
    ("oauth_consumer_key", CLIENT[0]),
    ("oauth_token", "hh5s93j4hdidpola"),
    ("oauth_signature_method", "HMAC-SHA1"),
    ("oauth_timestamp", "137131201"),
    ("oauth_nonce", "walatlh"),
    ("oauth_verifier", "hfdp7dh39dks9884"),
]
PHOTOS = [
    ("oauth_consumer_key", CLIENT[0]),
    ("oauth_token", "nnch734d00sl2jdk"),
    ("oauth_signature_method", "HMAC-SHA1"),
    ("oauth_timestamp", "137131202"),
    ("oauth_nonce", "chapoH"),
]
REQUEST = [
    ("oauth_consumer_key", "9djdj82h48djs9d2"),
    ("oauth_token", "kkk9d7dh3k39sjv7"),
    ("oauth_signature_method", "HMAC-SHA1"),
    ("oauth_timestamp", "137131201"),
    ("oauth_nonce", "7d8f3e4a"),
]
REQUEST_URL = "http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b"
NORMALIZED = (
    "a2=r%20b&a3=2%20q&a3=a&b5=%3D%253D&c%40=&c2=&oauth_consumer_key=9djdj82h48djs9d2"
    "&oauth_nonce=7d8f3e4a&oauth_signature_method=HMAC-SHA1&oauth_timestamp=137131201"
    "&oauth_token=kkk9d7dh3k39sjv7"
)
BASE_STRING = (
    "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D"
    "%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a"
    "%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3D"
    "kkk9d7dh3k39sjv7"
)


def request(url: str = "https://api.test/", **kwargs: Any) -> SignatureRequest:
    """What a signature method is given."""
    given = {"method": "GET", "headers": {}, "body": None, "oauth_params": []}
    return SignatureRequest(**{**given, "uri": url, **kwargs})


# -- the examples of the RFC -------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "url", "params", "token_secret", "form", "signature"),
    [
        pytest.param(
            "POST",
            "https://photos.example.net/initiate",
            INITIATE,
            None,
            "",
            "74KNZJeDHnMBp0EMJ9ZHt/XKycU=",
            id="1.2-initiate",
        ),
        pytest.param(
            "POST",
            "https://photos.example.net/token",
            TOKEN,
            "hdhd0244k9j7ao03",
            "",
            "gKgrFCywp7rO0OXSjdot/IHF7IU=",
            id="1.2-token",
        ),
        pytest.param(
            "GET",
            "http://photos.example.net/photos?file=vacation.jpg&size=original",
            PHOTOS,
            "pfkkdhi9sl3r4s00",
            "",
            "MdpQcU8iPSUjWoN/UDMsK2sui9I=",
            id="1.2-photos",
        ),
    ],
)
def test_signatures_of_section_1_2(
    method: str,
    url: str,
    params: list[tuple[str, str]],
    token_secret: str | None,
    form: str,
    signature: str,
) -> None:
    client = ClientAuth(*CLIENT, token_secret=token_secret)
    made = request(url, method=method, oauth_params=params, form=form)

    assert METHODS["HMAC-SHA1"](client, made) == signature


def test_signature_of_section_3_1_as_the_erratum_has_it() -> None:
    """The signature that was printed belongs to no such request (errata 2550)."""
    client = ClientAuth("9djdj82h48djs9d2", "j49sk3j29djd", token_secret="dh893hdasih9")
    made = request(REQUEST_URL, method="POST", oauth_params=REQUEST, form="c2&a3=2+q")

    assert METHODS["HMAC-SHA1"](client, made) == "r6/TJjbCOr97/+UU0NsvSne7s5g="


def test_base_string_of_section_3_4_1_1() -> None:
    made = request(REQUEST_URL, method="post", oauth_params=REQUEST, form="c2&a3=2+q")

    assert made.signature_base_string == BASE_STRING


def test_normalization_of_section_3_4_1_3_2() -> None:
    query = REQUEST_URL.partition("?")[2]
    pairs = [*escaped_pairs(query), *escaped_pairs("c2&a3=2+q"), *REQUEST]

    assert normalize_parameters(pairs) == NORMALIZED
    assert base_string("POST", REQUEST_URL, pairs) == BASE_STRING


@pytest.mark.parametrize(
    ("url", "host", "expected"),
    [
        ("http://EXAMPLE.COM:80/r%20v/X?id=123", None, "http://example.com/r%20v/X"),
        ("http://10.0.0.1/r%20v/X?id=123", "EXAMPLE.COM:80", "http://example.com/r%20v/X"),
        ("https://www.example.net:8080/?q=1", None, "https://www.example.net:8080/"),
        ("https://10.0.0.1?q=1", "www.example.net:8080", "https://www.example.net:8080/"),
    ],
)
def test_base_string_uris_of_section_3_4_1_2(url: str, host: str | None, expected: str) -> None:
    made = request(url, headers={"Accept": "*/*", "host": host} if host else {})

    assert made.signature_base_string.split("&")[1] == escape(expected)


# -- O05: parameters and URLs ------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("AZaz09-._~", "AZaz09-._~"),
        (" ", "%20"),
        ("+", "%2B"),
        ("%20", "%2520"),
        ("*!'()/", "%2A%21%27%28%29%2F"),
        ("\n\x7f", "%0A%7F"),
        ("é☃😀", "%C3%A9%E2%98%83%F0%9F%98%80"),
    ],
)
def test_only_unreserved_characters_stay(text: str, expected: str) -> None:
    assert escape(text) == expected


@pytest.mark.parametrize("value", ["\ud800", 5, None, b"bytes"])
def test_what_is_no_text_cannot_be_signed(value: Any) -> None:
    with pytest.raises(InvalidSettingError) as caught:
        escape(value)

    assert caught.value.__context__ is None


def test_query_with_half_a_surrogate_pair_cannot_be_signed() -> None:
    with pytest.raises(InvalidSettingError) as caught:
        escaped_pairs("a=\ud800")

    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", "", id="O05-nothing"),
        pytest.param("a", "a=", id="O05-name-only"),
        pytest.param("a=&a=", "a=&a=", id="O05-empty-and-repeated"),
        pytest.param("=b", "=b", id="O05-empty-name"),
        pytest.param("b=2&a=2&a=10&a=1", "a=1&a=10&a=2&b=2", id="O05-sorted-as-text"),
        pytest.param("a=1&a=1", "a=1&a=1", id="O05-the-same-twice"),
        pytest.param("ab=1&a%2Db=1&a=1", "a=1&a-b=1&ab=1", id="O05-name-is-the-first-key"),
        pytest.param("a=1&A=2&a%7E=3&%C3%A9=4", "%C3%A9=4&A=2&a=1&a~=3", id="O05-encoded-bytes"),
        pytest.param("t=%7E&u=~", "t=~&u=~", id="O05-tilde"),
        pytest.param("a=b+c&d=e%20f&g=h%2Bi", "a=b%20c&d=e%20f&g=h%2Bi", id="O05-spaces"),
        pytest.param("a=%e2%98%83", "a=%E2%98%83", id="O05-lower-case-hex"),
        pytest.param("a=☃", "a=%E2%98%83", id="O05-not-encoded"),
        pytest.param("a=%FF%fe", "a=%FF%FE", id="O05-not-UTF-8"),
        pytest.param("a=1;b=2", "a=1%3Bb%3D2", id="O05-semicolon"),
        pytest.param("a==b&c=d=e", "a=%3Db&c=d%3De", id="O05-equals-sign"),
        pytest.param("&&a=1&", "a=1", id="O05-empty-pairs"),
        pytest.param("a=%&b=%4", "a=%25&b=%254", id="O05-broken-escape"),
    ],
)
def test_parameters_are_decoded_as_forms_and_sorted(query: str, expected: str) -> None:
    assert normalize_parameters(escaped_pairs(query)) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("https://Api.Test:443/A", "https://api.test/A", id="O05-port-443"),
        pytest.param("http://api.test:80/", "http://api.test/", id="O05-port-80"),
        pytest.param("http://api.test:443/", "http://api.test:443/", id="O05-443-of-http"),
        pytest.param("https://api.test:80/", "https://api.test:80/", id="O05-80-of-https"),
        pytest.param("https://api.test:/", "https://api.test/", id="O05-empty-port"),
        pytest.param("https://api.test", "https://api.test/", id="O05-empty-path"),
        pytest.param("https://api.test#top", "https://api.test/", id="O05-fragment"),
        pytest.param("https://api.test/a;b=c", "https://api.test/a;b=c", id="O05-path-parameter"),
        pytest.param("https://api.test/a//b/", "https://api.test/a//b/", id="O05-slashes"),
        pytest.param("https://api.test/%7Ejoe", "https://api.test/%7Ejoe", id="O05-tilde-in-path"),
        pytest.param("http://[::1]:8080/a", "http://[::1]:8080/a", id="O05-IPv6"),
        pytest.param("http://[2001:DB8::1]:80/", "http://[2001:db8::1]/", id="O05-IPv6-port-80"),
    ],
)
def test_base_string_uri(url: str, expected: str) -> None:
    assert base_string_uri(url) == expected


@pytest.mark.parametrize("url", ["", "/path", "ftp://api.test/", "https://u:p@api.test/", "x"])
def test_what_is_no_http_url_has_no_base_string(url: str) -> None:
    with pytest.raises(InsecureTransportError):
        base_string_uri(url)


def test_a_method_of_ones_own_is_encoded() -> None:
    assert base_string("re port", "https://api.test", []) == (
        "RE%20PORT&https%3A%2F%2Fapi.test%2F&"
    )


def test_form_and_query_and_protocol_parameters_are_sorted_together() -> None:
    made = request(
        "https://api.test/?b=2&z=", oauth_params=[("oauth_token", "t/")], form="a=1+1&b=1"
    )

    assert made.signature_base_string.split("&")[2] == escape("a=1%201&b=1&b=2&oauth_token=t%2F&z=")


# -- the methods -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "digest"),
    [
        ("RSA-SHA1", hashes.SHA1()),
        ("RSA-SHA256", hashes.SHA256()),
        ("RSA-SHA512", hashes.SHA512()),
    ],
)
def test_rsa_signatures_verify(method: str, digest: hashes.HashAlgorithm) -> None:
    from base64 import b64decode

    made = request(REQUEST_URL, method="POST", oauth_params=REQUEST, form="c2&a3=2+q")
    client = ClientAuth("c", "no part of it", token_secret="neither", rsa_key=rsa_key())
    signature = b64decode(METHODS[method](client, made), validate=True)

    rsa_key().public_key().verify(signature, BASE_STRING.encode(), PKCS1v15(), digest)


@pytest.mark.parametrize(
    ("secrets", "expected"),
    [
        ((None, None), "&"),
        (("a", None), "a&"),
        (("", "b"), "&b"),
        (("a b&", "c/%"), "a%20b%26&c%2F%25"),
    ],
)
def test_plaintext_is_the_two_secrets(
    secrets: tuple[str | None, str | None], expected: str
) -> None:
    client = ClientAuth("c", secrets[0], token_secret=secrets[1])

    assert METHODS["PLAINTEXT"](client, request()) == expected


def test_plaintext_needs_no_base_string() -> None:
    client = ClientAuth("c", "s")

    assert METHODS["PLAINTEXT"](client, request("no URL at all")) == "s&"


def test_request_shows_neither_query_nor_credentials() -> None:
    made = request("https://api.test/a?q=1", headers={"X": "h"}, body="b", oauth_params=REQUEST)

    assert repr(made) == "<SignatureRequest GET https://api.test/a>"
