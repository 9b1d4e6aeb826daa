"""Whatever comes, nothing but our own errors is raised (fuzz targets of the case list)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl
from urllib.parse import unquote
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from flask_oauthclient.protocol.errors import CallbackError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.messages import Response
from flask_oauthclient.protocol.oauth1 import OAuth1Client
from flask_oauthclient.protocol.oauth1 import OAuth1Token
from flask_oauthclient.protocol.oauth1.callback import check_callback
from flask_oauthclient.protocol.oauth1.callback import parse_callback
from flask_oauthclient.protocol.oauth1.client_auth import ClientAuth
from flask_oauthclient.protocol.oauth1.signature import base_string
from flask_oauthclient.protocol.oauth1.signature import escaped_pairs
from flask_oauthclient.protocol.oauth1.token import parse_token_response
from tests.protocol.oauth1._signers import FORM

pytestmark = pytest.mark.filterwarnings("ignore:PLAINTEXT in the QUERY")

properties = settings(
    max_examples=200,
    deadline=None,
    # The fixtures that every test has look at it as a whole, not at each example.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# Text with half surrogate pairs too.
text = st.text(st.characters(exclude_categories=[]), max_size=40)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), text),
    lambda value: st.one_of(st.lists(value, max_size=3), st.dictionaries(text, value, max_size=3)),
    max_leaves=8,
)
FIELDS = [
    "oauth_token",
    "oauth_token_secret",
    "oauth_callback_confirmed",
    "oauth_problem",
    "oauth_problem_advice",
    "oauth_verifier",
    "denied",
    "error",
    "errors",
]
field_names = st.one_of(st.sampled_from(FIELDS), text)
LARGE = 65_536


def is_fine(call: Any, *args: Any, **kwargs: Any) -> Any:
    """Call, and let only our own errors pass."""
    try:
        return call(*args, **kwargs)
    except OAuthError as error:
        raised = error
    assert type(raised) is not OAuthError
    assert raised.error
    return None


# -- answers -----------------------------------------------------------------------------

documents = st.dictionaries(field_names, json_values, max_size=5).map(
    lambda value: json.dumps(value).encode("utf-8", "surrogatepass")
)
forms = st.lists(st.tuples(field_names, text), max_size=5).map(
    lambda pairs: "&".join(f"{k}={v}" for k, v in pairs).encode("utf-8", "surrogatepass")
)


@properties
@given(
    body=st.one_of(st.binary(max_size=200), documents, forms),
    status=st.sampled_from([200, 201, 204, 302, 400, 401, 500]),
    challenge=text,
)
@example(body=b"oauth_token=" + b"a" * LARGE, status=200, challenge="")
@example(body=b"%" * LARGE, status=200, challenge="")
@example(body=b"a" * LARGE + b"<", status=200, challenge="")
@example(body=b"%41" * (LARGE // 3) + b"%", status=200, challenge="")
@example(body=b"&" * LARGE, status=200, challenge="")
@example(body=b'{"a":' * (LARGE // 5), status=200, challenge="")
@example(body=b"", status=401, challenge='oauth_problem="' * (LARGE // 15))
def test_any_token_response(body: bytes, status: int, challenge: str) -> None:
    headers = {"content-type": FORM, "www-authenticate": challenge}
    token = is_fine(parse_token_response, Response(status, headers, body))

    if token is not None:
        assert 200 <= status < 300
        assert isinstance(token, OAuth1Token)
        assert 0 < len(token["oauth_token"]) <= 2048
        assert isinstance(token["oauth_token_secret"], str)


# -- callbacks ---------------------------------------------------------------------------


@properties
@given(pairs=st.lists(st.tuples(field_names, text), max_size=6))
def test_any_callback(pairs: list[tuple[str, str]]) -> None:
    response = parse_callback(pairs)
    try:
        check_callback(response)
    except CallbackError:
        return
    names = [name for name, _ in pairs]
    assert not {"denied", "error", "oauth_problem"} & set(names)
    assert names.count("oauth_token") <= 1
    assert response.request_token == (dict(pairs).get("oauth_token") or None)


@properties
@given(url=st.one_of(text, text.map(lambda query: f"https://app.test/cb?{query}")))
@example(url="https://app.test/cb?" + "&".join(["a"] * (LARGE // 2)))
def test_any_authorization_response(url: str) -> None:
    client = OAuth1Client("c", "s")
    found = is_fine(client.parse_authorization_response, url)

    assert client.token["oauth_token"] == (found and found["oauth_token"])


# -- requests ----------------------------------------------------------------------------

urls = st.one_of(
    text,
    text.map(lambda rest: f"https://api.test{rest}"),
    text.map(lambda rest: f"https://api.test/?{rest}"),
)
request_bodies = st.one_of(st.none(), text, st.binary(max_size=40), st.just("a=1&b=2"))
maybe = st.one_of(st.none(), text)


@properties
@given(
    credentials=st.fixed_dictionaries(
        {
            "client_id": text,
            "client_secret": maybe,
            "token": maybe,
            "token_secret": maybe,
            "redirect_uri": maybe,
            "verifier": maybe,
            "realm": maybe,
            "signature_method": st.sampled_from(["HMAC-SHA1", "PLAINTEXT", "RSA-SHA1", "other"]),
            "signature_type": st.sampled_from(["HEADER", "QUERY", "BODY", "other"]),
            "rsa_key": maybe,
            "force_include_body": st.booleans(),
        }
    ),
    method=text,
    url=urls,
    headers=st.dictionaries(
        st.one_of(st.sampled_from(["Content-Type", "host", "Authorization"]), text),
        st.one_of(text, st.just(FORM)),
        max_size=3,
    ),
    body=request_bodies,
)
def test_any_request(
    credentials: dict[str, Any], method: str, url: str, headers: dict[str, str], body: Any
) -> None:
    given_headers = dict(headers)
    signed = is_fine(lambda: ClientAuth(**credentials).prepare(method, url, headers, body))

    assert headers == given_headers
    if signed is not None:
        signed_url, signed_headers, signed_body = signed
        assert url.startswith("https://api.test")
        if credentials["signature_type"] == "HEADER":
            assert (signed_url, signed_body) == (url, body)
            assert signed_headers["Authorization"].isascii()
            assert signed_headers["Authorization"].isprintable()


@properties
@given(method=text, url=urls, form=text)
@example(method="GET", url="https://api.test/", form="&" * LARGE)
@example(method="GET", url="https://api.test/", form="=" * LARGE)
@example(method="GET", url="https://api.test/", form="%41+" * (LARGE // 4))
@example(method="GET", url="https://api.test/" + "/" * LARGE, form="☃" * LARGE)
def test_any_base_string(method: str, url: str, form: str) -> None:
    text = is_fine(lambda: base_string(method, url, escaped_pairs(form)))

    if text is not None:
        assert text.isascii()
        assert text.count("&") == 2


@properties
@given(pairs=st.lists(st.tuples(text, text), max_size=5))
def test_escaped_pairs_of_an_encoded_form_are_the_pairs(pairs: list[tuple[str, str]]) -> None:
    encodable = [
        pair
        for pair in pairs
        if not any("\ud800" <= character <= "\udfff" for character in "".join(pair))
    ]
    form = urlencode(encodable)

    assert [(unquote(k), unquote(v)) for k, v in escaped_pairs(form)] == encodable
    assert parse_qsl(form, keep_blank_values=True) == encodable
