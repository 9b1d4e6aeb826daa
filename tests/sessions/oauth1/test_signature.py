"""What a signed request looks like (RFC 5849 section 3)."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import InvalidSettingError

from .._answers import Answers
from .._answers import json_of
from .._answers import text_of
from .._edges import Edge
from ._signed import API_URL
from ._signed import CLIENT_ID
from ._signed import FORM
from ._signed import VERIFIER
from ._signed import check_signature
from ._signed import credentials
from ._signed import in_form
from ._signed import in_header
from ._signed import in_query
from ._signed import protocol_params
from ._signed import session_at


def test_the_parameters_stand_in_the_documented_order() -> None:
    answers = Answers()
    session = session_at(
        answers, redirect_uri="oob", verifier=VERIFIER, realm="r", force_include_body=True
    )
    session.post(API_URL, json={"a": 1})
    assert [name for name, _ in in_header(answers.sent[0])] == [
        "realm",
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
    assert dict(in_header(answers.sent[0]))["oauth_version"] == "1.0"


def test_optional_parameters_are_left_out() -> None:
    answers = Answers()
    session_at(answers, token=None, token_secret=None).get(API_URL)
    assert [name for name, _ in in_header(answers.sent[0])] == [
        "oauth_nonce",
        "oauth_timestamp",
        "oauth_version",
        "oauth_signature_method",
        "oauth_consumer_key",
        "oauth_signature",
    ]


def test_the_realm_is_not_escaped() -> None:
    answers = Answers()
    session_at(answers, realm="http://photos.test/ & more").get(API_URL)
    header = text_of(answers.sent[0].headers["Authorization"])
    assert header.startswith('OAuth realm="http://photos.test/ & more", ')


@pytest.mark.parametrize(
    ("signature_type", "place"), [("HEADER", in_header), ("QUERY", in_query), ("BODY", in_form)]
)
def test_the_signature_stands_where_it_is_told_to(signature_type: str, place: Any) -> None:
    answers = Answers()
    session_at(answers, signature_type=signature_type).post(API_URL, data={"a": "1"})
    request = answers.sent[0]
    assert "oauth_signature" in dict(place(request))
    signed = [p for p in (in_header, in_query, in_form) if "oauth_signature" in dict(p(request))]
    assert len(signed) == 1
    assert request.headers["Content-Length"] == str(len(text_of(request.body)))
    check_signature(request)


def test_a_signature_in_the_body_makes_it_a_form() -> None:
    answers = Answers()
    session = session_at(answers, signature_type="BODY")
    session.post(API_URL)
    session.post(API_URL, data="a=1")
    assert [request.headers["Content-Type"] for request in answers.sent] == [FORM, FORM]
    for request in answers.sent:
        check_signature(request)
    with pytest.raises(InvalidSettingError, match="BODY"):
        session.post(API_URL, json={"a": 1})


def test_the_content_type_of_a_form_is_guessed() -> None:
    answers = Answers()
    session = session_at(answers)
    session.post(API_URL, data="a=1&b=%20")
    session.post(API_URL, data='{"a": 1}')
    assert [request.headers.get("Content-Type") for request in answers.sent] == [FORM, None]
    check_signature(answers.sent[0])


@pytest.mark.parametrize("force_include_body", [False, True])
def test_a_json_body_arrives_and_its_hash_is_signed_on_demand(force_include_body: bool) -> None:
    answers = Answers()
    session = session_at(answers, force_include_body=force_include_body)
    session.post(API_URL, json={"a": "ü"})
    request = answers.sent[0]
    assert json_of(request) == {"a": "ü"}
    assert request.headers["Content-Type"] == "application/json"
    sent_hash = protocol_params(request).get("oauth_body_hash")
    digest = base64.b64encode(hashlib.sha1(text_of(request.body).encode()).digest()).decode()
    assert sent_hash == (digest if force_include_body else None)
    check_signature(request)


def test_a_registered_signature_method_signs(edge: Edge) -> None:
    class Session(edge.OAuth1):  # type: ignore[name-defined,misc]
        class auth_class(edge.library.OAuth1Auth):  # type: ignore[name-defined,misc] # noqa: N801
            """Has methods of its own."""

    seen: list[Any] = []

    def sign(client: Any, request: Any) -> str:
        seen.append((client.client_id, request.signature_base_string))
        return "signed by hand"

    Session.register_signature_method("X-OWN", sign)
    answers = Answers()
    session = edge.session(answers, Session, CLIENT_ID, signature_method="X-OWN")
    session.get(API_URL)
    found = protocol_params(answers.sent[0])
    assert (found["oauth_signature_method"], found["oauth_signature"]) == (
        "X-OWN",
        "signed by hand",
    )
    assert seen[0][0] == CLIENT_ID
    assert seen[0][1].startswith("GET&https%3A%2F%2Fapi.test%2Fresource&oauth_")
    with pytest.raises(ValueError, match="signature_method"):
        edge.OAuth1(CLIENT_ID, signature_method="X-OWN")


@pytest.mark.parametrize(
    "method", ["HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "PLAINTEXT", "RSA-SHA256", "RSA-SHA512"]
)
def test_the_methods_are_built_in(method: str) -> None:
    answers = Answers()
    key = rsa.generate_private_key(65537, 2048) if method.startswith("RSA") else None
    session_at(answers, signature_method=method, rsa_key=key).get(API_URL)
    assert protocol_params(answers.sent[0])["oauth_signature_method"] == method


def test_only_https_and_loopback_are_signed_for() -> None:
    answers = Answers(credentials())
    session = session_at(answers, verifier=VERIFIER)
    for call in (
        lambda: session.get("http://api.test/"),
        lambda: session.fetch_request_token("http://op.test/initiate"),
        lambda: session.fetch_access_token("http://op.test/token"),
    ):
        with pytest.raises(InsecureTransportError):
            call()
    assert answers.sent == []
    session.get("http://127.0.0.1:8080/")
    session.fetch_request_token("http://localhost:8080/initiate")
    for request in answers.sent:
        assert "oauth_signature" in protocol_params(request)


def test_insecure_http_is_a_switch_of_the_session() -> None:
    answers = Answers(credentials())
    session = session_at(answers, insecure_http=True)
    session.get("http://api.test/")
    session.fetch_request_token("http://op.test/initiate")
    check_signature(answers.sent[0])
    check_signature(answers.sent[1], token_secret="")
