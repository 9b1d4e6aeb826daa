"""Server metadata: where it stands, whose it is, what it may name (rows D01-D17)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_oauthclient.protocol.errors import MetadataError
from flask_oauthclient.protocol.errors import MissingEndpointError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.messages import Purpose
from flask_oauthclient.protocol.messages import Response
from flask_oauthclient.protocol.oauth2.metadata import document_request
from flask_oauthclient.protocol.oauth2.metadata import endpoint
from flask_oauthclient.protocol.oauth2.metadata import flag
from flask_oauthclient.protocol.oauth2.metadata import issuer_of
from flask_oauthclient.protocol.oauth2.metadata import parse_metadata
from flask_oauthclient.protocol.oauth2.metadata import string_list
from flask_oauthclient.protocol.oauth2.metadata import well_known_urls
from tests.protocol._answers import answer

ISSUER = "https://op.test"
GOOD = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize?tenant=a",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": "https://keys.test/jwks",
}
ENDPOINTS = [
    *("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"),
    *("end_session_endpoint", "revocation_endpoint", "introspection_endpoint"),
    *("registration_endpoint", "pushed_authorization_request_endpoint"),
    "device_authorization_endpoint",
]


def refused(response: Response, issuer: str | None = ISSUER, **settings: Any) -> OAuthError:
    """The error with which a document is refused."""
    with pytest.raises(OAuthError) as caught:
        parse_metadata(response, issuer, **settings)
    return caught.value


@pytest.mark.parametrize("expected", [ISSUER, None])
def test_document_is_read(expected: str | None) -> None:
    assert parse_metadata(answer({**GOOD, "x": [1]}), expected) == {**GOOD, "x": [1]}


MISMATCHES = {
    "D01-other": "https://evil.test",
    "D01-longer": "https://op.test.evil.test",
    "D01-path": "https://op.test/tenant",
    "D02-slash": "https://op.test/",
    "D02-case": "https://OP.test",
    "D02-port": "https://op.test:443",
    "D02-dot": "https://op.test.",
}


@pytest.mark.parametrize("issuer", MISMATCHES.values(), ids=MISMATCHES)
def test_issuer_has_to_be_the_one_it_was_found_under(issuer: str) -> None:
    error = refused(answer({**GOOD, "issuer": issuer}))

    assert error.error == "issuer_mismatch"
    assert error.detail == {"expected": ISSUER, "received": issuer}
    assert repr(ISSUER) in error.description
    assert repr(issuer) in error.description


ISSUERS: dict[str, Any] = {
    "D05-query": "https://op.test?x=1",
    "D05-empty-query": "https://op.test?",
    "D05-fragment": "https://op.test#x",
    "D05-empty-fragment": "https://op.test#",
    "D05-userinfo": "https://user@op.test",
    "D05-password": "https://user:pw@op.test",
    "D05-scheme": "ftp://op.test",
    "D05-javascript": "javascript:alert(1)",
    "D05-relative": "op.test",
    "D05-no-host": "https:///x",
    "D05-bad-port": "https://op.test:99999",
    "D05-bad-host": "https://[op.test",
    "D05-backslash": "https://op.test\\@evil.test",
    "D05-space": "https://op.test /",
    "D05-newline": "https://op.test\n",
    "D05-nul": "https://op.test\0",
    "D10-empty": "",
    "D10-null": None,
    "D10-number": 5,
    "D10-true": True,
    "D10-list": [ISSUER],
    "D10-object": {"a": 1},
}


@pytest.mark.parametrize("issuer", ISSUERS.values(), ids=ISSUERS)
@pytest.mark.parametrize("expected", [ISSUER, None])
def test_issuer_has_to_be_an_issuer(issuer: Any, expected: str | None) -> None:
    assert refused(answer({**GOOD, "issuer": issuer}), expected).error == "invalid_metadata"


@pytest.mark.parametrize("issuer", [value for value in ISSUERS.values() if isinstance(value, str)])
def test_issuer_of_the_configuration_has_to_be_one_too(issuer: str) -> None:
    with pytest.raises(MetadataError) as caught:
        well_known_urls(issuer)

    assert caught.value.error == "invalid_metadata"


@pytest.mark.parametrize("expected", [ISSUER, None])
def test_document_without_issuer_is_taken_with_a_warning(
    expected: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    document = {name: value for name, value in GOOD.items() if name != "issuer"}

    assert parse_metadata(answer(document), expected) == document
    assert "names no issuer" in caplog.text
    assert caplog.records[0].levelname == "WARNING"


BAD_URLS: dict[str, Any] = {
    "D06-http": "http://op.test/x",
    "D06-http-like-loopback": "http://localhost:80@attacker.test/x",
    "D06-http-not-loopback": "http://localhost.attacker.test/x",
    "D06-userinfo": "https://user:pw@op.test/x",
    "D06-javascript": "javascript:alert(1)",
    "D06-data": "data:text/html,x",
    "J13-file": "file:///etc/passwd",
    "J13-ftp": "ftp://op.test/x",
    "D06-relative": "/x",
    "D06-scheme-relative": "//op.test/x",
    "D06-no-host": "https://",
    "D06-bad-port": "https://op.test:port/x",
    "D06-backslash": "https://op.test\\x",
    "D06-newline": "https://op.test/\r\nx",
    "D06-space": " https://op.test/x",
    "D06-surrounding": "<https://op.test/x>",
    "D06-empty": "",
    "D06-null": None,
    "D06-number": 5,
    "D06-list": ["https://op.test/x"],
    "D06-object": {},
}


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("url", BAD_URLS.values(), ids=BAD_URLS)
def test_endpoint_has_to_be_an_https_url(name: str, url: Any) -> None:
    error = refused(answer({**GOOD, name: url}))

    assert error.error == "invalid_metadata"
    assert error.detail == {"member": name}


@pytest.mark.parametrize("row", ["D06-userinfo", "D06-javascript", "J13-file", "D06-null"])
def test_plain_http_allowed_allows_nothing_else(row: str) -> None:
    document = {**GOOD, "token_endpoint": BAD_URLS[row]}

    assert refused(answer(document), insecure_http=True).error == "invalid_metadata"


def test_plain_http_can_be_allowed() -> None:
    document = {**GOOD, "token_endpoint": "http://op.test/token"}

    assert parse_metadata(answer(document), ISSUER, insecure_http=True) == document


@pytest.mark.parametrize("host", ["127.0.0.1:5001", "localhost", "[::1]:80", "op.localhost"])
def test_plain_http_is_for_loopback(host: str) -> None:
    document = {**GOOD, "token_endpoint": f"http://{host}/token"}

    assert parse_metadata(answer(document), ISSUER) == document


@pytest.mark.parametrize("name", ["op_policy_uri", "service_documentation", "x_endpoint"])
def test_urls_that_nobody_calls_are_not_judged(name: str) -> None:
    document = {**GOOD, name: "http://op.test/for-humans"}

    assert parse_metadata(answer(document), ISSUER) == document


@pytest.mark.parametrize(
    ("aliases", "member"),
    [
        ({"token_endpoint": "not a url"}, "token_endpoint"),
        ({"token_endpoint": "http://op.test/token"}, "token_endpoint"),
        ({"token_endpoint": None}, "token_endpoint"),
        ({"token_endpoint": 5}, "token_endpoint"),
        ("https://op.test", "mtls_endpoint_aliases"),
        ([], "mtls_endpoint_aliases"),
        (None, "mtls_endpoint_aliases"),
    ],
)
def test_d16_alias_has_to_be_an_https_url(aliases: Any, member: str) -> None:
    error = refused(answer({**GOOD, "mtls_endpoint_aliases": aliases}))

    assert error.error == "invalid_metadata"
    assert error.detail == {"member": member}


@pytest.mark.parametrize("aliases", [{}, {"token_endpoint": "https://mtls.op.test/token", "x": 1}])
def test_d16_good_aliases_are_accepted(aliases: dict[str, Any]) -> None:
    assert parse_metadata(answer({**GOOD, "mtls_endpoint_aliases": aliases}), ISSUER)


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "null",
        "5",
        '"x"',
        "",
        "<html>",
        "[" * 100000,
        '{"a":' * 50000,
        "{",
        "NaN",
        json.dumps(GOOD)[:-1] + ',"issuer":"https://evil.test"}',
        b"\xff",
        b"\xef\xbb\xbf{}",
    ],
    ids=lambda body: repr(body[:10]),
)
def test_d10_document_has_to_be_a_json_object(body: str | bytes) -> None:
    assert refused(answer(body)).error == "invalid_response"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (201, "provider_unavailable"),
        (204, "provider_unavailable"),
        (301, "provider_unavailable"),
        (304, "provider_unavailable"),
        (400, "metadata_not_found"),
        (404, "metadata_not_found"),
        (410, "metadata_not_found"),
        (500, "provider_unavailable"),
        (503, "provider_unavailable"),
    ],
)
def test_d08_only_200_is_a_document(status: int, code: str) -> None:
    error = refused(answer(GOOD, status))

    assert (error.error, error.detail) == (code, {"status": status})


LAYOUTS = {
    "https://op.test": [
        "https://op.test/.well-known/openid-configuration",
        "https://op.test/.well-known/oauth-authorization-server",
    ],
    "https://op.test/": [
        "https://op.test/.well-known/openid-configuration",
        "https://op.test/.well-known/oauth-authorization-server",
    ],
    "https://op.test/tenant": [
        "https://op.test/tenant/.well-known/openid-configuration",
        "https://op.test/.well-known/oauth-authorization-server/tenant",
        "https://op.test/.well-known/openid-configuration/tenant",
    ],
    "https://op.test:8443/a/b/": [
        "https://op.test:8443/a/b/.well-known/openid-configuration",
        "https://op.test:8443/.well-known/oauth-authorization-server/a/b",
        "https://op.test:8443/.well-known/openid-configuration/a/b",
    ],
    "http://127.0.0.1:5001": [
        "http://127.0.0.1:5001/.well-known/openid-configuration",
        "http://127.0.0.1:5001/.well-known/oauth-authorization-server",
    ],
}


@pytest.mark.parametrize(("issuer", "urls"), LAYOUTS.items())
def test_d14_layouts_in_order(issuer: str, urls: list[str]) -> None:
    assert well_known_urls(issuer) == urls


@pytest.mark.parametrize("issuer", LAYOUTS)
def test_issuer_follows_from_each_layout(issuer: str) -> None:
    for url in well_known_urls(issuer):
        assert issuer_of(url) == issuer.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "https://op.test/metadata.json",
        "https://op.test/.well-known/openid-configuration2",
        "https://op.test/.well-known/openid-configuration.json",
        "https://op.test/.well-known/webfinger",
        "https://op.test",
        "",
    ],
)
def test_other_urls_say_nothing_about_the_issuer(url: str) -> None:
    assert issuer_of(url) is None


@pytest.mark.parametrize("etag", [None, "", '"abc"'])
def test_document_is_asked_for_conditionally(etag: str | None) -> None:
    request = document_request(Purpose.METADATA, "https://op.test/x", etag)

    assert (request.method, request.url, request.body) == ("GET", "https://op.test/x", None)
    assert request.headers.get("If-None-Match") == (etag or None)
    assert "Authorization" not in request.headers


@pytest.mark.parametrize("value", [None, "", 5, [], {}, "absent"])
def test_missing_endpoint_is_named(value: Any) -> None:
    metadata = {} if value == "absent" else {"token_endpoint": value}

    with pytest.raises(MissingEndpointError) as caught:
        endpoint(metadata, "token_endpoint")

    assert caught.value.error == "missing_configuration"
    assert "token_endpoint" in caught.value.description


def test_endpoint() -> None:
    assert endpoint(GOOD, "token_endpoint") == f"{ISSUER}/token"


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (["a", "b"], ["a", "b"]),
        ([], []),
        ("a b", ["a", "b"]),
        ("", []),
        (["a", 5, None, ["b"], {}], ["a"]),
        (None, None),
        (5, None),
        (True, None),
        ({"a": 1}, None),
    ],
)
def test_d17_lists(value: Any, names: list[str] | None) -> None:
    assert string_list({"x": value}, "x") == names
    assert string_list({}, "x") is None


@pytest.mark.parametrize(
    ("value", "on"),
    [(True, True), ("true", True), ("True", True), (" TRUE ", True)]
    + [(value, False) for value in (False, "false", None, 1, 0, "1", "yes", "", [], [True], {})],
)
def test_d17_flags(value: Any, on: bool) -> None:
    assert flag({"x": value}, "x") is on
    assert flag({}, "x") is False
