"""The OAuth 1.0a provider of the test run does what RFC 5849 asks of it, and lets nothing pass."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from typing import Any
from urllib.parse import parse_qs
from urllib.parse import parse_qsl
from urllib.parse import quote
from urllib.parse import urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from .oauthlib_server import OAuth1Server

CALLBACK = "http://localhost/callback?keep=this"
HASHES = {"SHA1": hashes.SHA1(), "SHA256": hashes.SHA256(), "SHA512": hashes.SHA512()}
METHODS = [
    *(f"{kind}-{name}" for kind in ("HMAC", "RSA") for name in HASHES),
    "PLAINTEXT",
]


def escaped(text: str) -> str:
    return quote(text, safe="-._~")


class Client:
    """A client written from RFC 5849 alone, which can also do wrong."""

    def __init__(self, server: OAuth1Server, method: str = "HMAC-SHA1") -> None:
        self.server = server
        self.method = method
        self.token: tuple[str, str] | None = None
        #: Protocol parameters to send instead of, or beside, the right ones; None drops one.
        self.override: dict[str, str | None] = {}

    def protocol_parameters(self, more: dict[str, str]) -> dict[str, str]:
        parameters: dict[str, str | None] = {
            "oauth_consumer_key": self.server.client_id,
            "oauth_nonce": secrets.token_hex(12),
            "oauth_signature_method": self.method,
            "oauth_timestamp": str(int(time.time())),
            "oauth_version": "1.0",
            **({"oauth_token": self.token[0]} if self.token else {}),
            **more,
            **self.override,
        }
        return {name: value for name, value in parameters.items() if value is not None}

    def signature(self, base_string: str) -> str:
        key = "&".join(
            escaped(secret)
            for secret in (self.server.client_secret, self.token[1] if self.token else "")
        )
        if self.method == "PLAINTEXT":
            return key
        kind, _, name = self.method.partition("-")
        if kind == "HMAC":
            digest = hmac.digest(key.encode(), base_string.encode(), name)
            return base64.b64encode(digest).decode()
        private = load_pem_private_key(self.server.rsa_key.encode(), None)
        assert isinstance(private, rsa.RSAPrivateKey)
        signature = private.sign(base_string.encode(), padding.PKCS1v15(), HASHES[name])
        return base64.b64encode(signature).decode()

    def send(
        self,
        url: str,
        *,
        http_method: str = "POST",
        oauth: dict[str, str] | None = None,
        spoil: bool = False,
        **kwargs: Any,
    ) -> requests.Response:
        prepared = requests.Request(http_method, url, **kwargs).prepare()
        parameters = self.protocol_parameters(oauth or {})
        signed = [*parameters.items(), *_signed_pairs(prepared)]
        normalized = "&".join(
            f"{name}={value}"
            for name, value in sorted((escaped(name), escaped(value)) for name, value in signed)
        )
        base_url = str(prepared.url).partition("?")[0]
        base_string = "&".join(map(escaped, (http_method, base_url, normalized)))
        parameters["oauth_signature"] = self.signature(base_string + ("!" if spoil else ""))
        parameters.update({n: v for n, v in self.override.items() if v and n in parameters})
        prepared.headers["Authorization"] = "OAuth " + ", ".join(
            f'{escaped(name)}="{escaped(value)}"' for name, value in parameters.items()
        )
        return self.server.http.send(prepared, allow_redirects=False, timeout=10)

    def initiate(self, callback: str = CALLBACK) -> requests.Response:
        return self.send(self.server.request_token_url, oauth={"oauth_callback": callback})

    def take(self, response: requests.Response) -> dict[str, str]:
        """Use the credentials of an answer from now on."""
        assert response.ok, response.text
        fields = dict(parse_qsl(response.text, keep_blank_values=True))
        self.token = fields["oauth_token"], fields["oauth_token_secret"]
        return fields

    def authorize_url(self) -> str:
        assert self.token is not None
        return f"{self.server.authorize_url}?oauth_token={self.token[0]}"

    def log_in(self, user: str = "alice") -> dict[str, str]:
        """The whole way to token credentials."""
        self.take(self.initiate())
        location = self.server.allow(self.authorize_url(), user)
        verifier = parse_qs(urlsplit(location).query)["oauth_verifier"][0]
        return self.take(
            self.send(self.server.access_token_url, oauth={"oauth_verifier": verifier})
        )

    def echo(self, http_method: str = "GET", query: str = "", **kwargs: Any) -> requests.Response:
        return self.send(self.server.echo_url + query, http_method=http_method, **kwargs)


def _signed_pairs(prepared: requests.PreparedRequest) -> list[tuple[str, str]]:
    form = "application/x-www-form-urlencoded" in (prepared.headers.get("Content-Type") or "")
    parts = [urlsplit(str(prepared.url)).query, str(prepared.body) if form else ""]
    return [pair for part in parts for pair in parse_qsl(part, keep_blank_values=True)]


@pytest.fixture
def client(oauth1_server: OAuth1Server) -> Client:
    return Client(oauth1_server)


@pytest.fixture
def logged_in(client: Client) -> Client:
    client.log_in()
    return client


@pytest.mark.parametrize("method", METHODS)
def test_whole_dance(oauth1_server: OAuth1Server, method: str) -> None:
    client = Client(oauth1_server, method)
    client.log_in("bob")
    answer = client.echo().json()
    assert (answer["user"], answer["method"]) == ("bob", "GET")


def test_redirect_carries_token_and_verifier_beside_the_callbacks_own_query(client: Client) -> None:
    fields = client.take(client.initiate())
    query = parse_qs(urlsplit(client.server.allow(client.authorize_url())).query)
    assert query.keys() == {"keep", "oauth_token", "oauth_verifier"}
    assert query["oauth_token"] == [fields["oauth_token"]]


def test_client_without_a_callback_gets_the_verifier_from_the_page(client: Client) -> None:
    client.take(client.initiate("oob"))
    verifier = client.server.verifier(client.authorize_url(), "carol")
    client.take(client.send(client.server.access_token_url, oauth={"oauth_verifier": verifier}))
    assert client.echo().json()["user"] == "carol"


def test_user_who_says_no_comes_back_with_denied(client: Client) -> None:
    fields = client.take(client.initiate())
    query = parse_qs(urlsplit(client.server.deny(client.authorize_url())).query)
    assert query == {"keep": ["this"], "denied": [fields["oauth_token"]]}
    again = client.server.http.get(client.authorize_url(), timeout=10)
    assert again.status_code == 400


@pytest.mark.parametrize("http_method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_echo_answers_every_method(logged_in: Client, http_method: str) -> None:
    assert logged_in.echo(http_method).json()["method"] == http_method


def test_echo_keeps_repeated_empty_and_unicode_parameters(logged_in: Client) -> None:
    query = "?b=2&a=1&b=&a=%C3%BC&sp=x%20y+z&pct=%25%26"
    expected = [["b", "2"], ["a", "1"], ["b", ""], ["a", "ü"], ["sp", "x y z"], ["pct", "%&"]]
    assert logged_in.echo(query=query).json()["query"] == expected


def test_echo_takes_a_form(logged_in: Client) -> None:
    data = [("text", "grüße & mehr"), ("empty", ""), ("text", "2")]
    form = logged_in.echo("POST", data=data).json()["form"]
    assert form == [["text", "grüße & mehr"], ["text", "2"], ["empty", ""]]


def test_echo_takes_json_and_files(logged_in: Client) -> None:
    assert logged_in.echo("POST", json={"a": ["ü"]}).json()["json"] == {"a": ["ü"]}
    uploaded = logged_in.echo(
        "POST", data={"title": "t"}, files={"photo": ("a.txt", b"content", "text/plain")}
    ).json()
    file = {"filename": "a.txt", "content_type": "text/plain", "text": "content"}
    assert (uploaded["form"], uploaded["files"]) == ([["title", "t"]], {"photo": file})


@pytest.mark.parametrize("method", METHODS)
def test_wrong_signature_is_refused(oauth1_server: OAuth1Server, method: str) -> None:
    client = Client(oauth1_server, method)
    client.log_in()
    client.override = {"oauth_signature": "c2lnbmF0dXJl"}
    assert client.echo().status_code == 401


@pytest.mark.parametrize("method", [name for name in METHODS if name != "PLAINTEXT"])
def test_signature_over_something_else_is_refused(oauth1_server: OAuth1Server, method: str) -> None:
    client = Client(oauth1_server, method)
    client.log_in()
    assert client.echo(spoil=True).status_code == 401
    assert client.echo().status_code == 200


def test_wrong_signature_gets_no_credentials(client: Client) -> None:
    client.override = {"oauth_signature": "c2lnbmF0dXJl"}
    assert client.initiate().status_code == 401


def test_replayed_nonce_is_refused(logged_in: Client) -> None:
    logged_in.override = {"oauth_nonce": secrets.token_hex(12), "oauth_timestamp": _now()}
    assert [logged_in.echo().status_code for _ in range(2)] == [200, 401]


@pytest.mark.parametrize(
    "override",
    [
        {"oauth_consumer_key": "a" * 24},
        {"oauth_token": "a" * 30},
        {"oauth_token": None},
        {"oauth_timestamp": "1000000000"},
        {"oauth_nonce": "short"},
        {"oauth_version": "2.0"},
        {"oauth_signature_method": "HMAC-MD5"},
    ],
    ids=lambda override: "-".join(override),
)
def test_request_with_a_wrong_parameter_is_refused(
    logged_in: Client, override: dict[str, str | None]
) -> None:
    logged_in.override = override
    assert logged_in.echo().status_code == 401


def test_request_token_opens_no_resource(client: Client) -> None:
    client.take(client.initiate())
    assert client.echo().status_code == 401


@pytest.mark.parametrize("verifier", [None, "", "a" * 24], ids=["none", "empty", "wrong"])
def test_access_token_needs_the_verifier(client: Client, verifier: str | None) -> None:
    client.take(client.initiate())
    client.server.allow(client.authorize_url())
    client.override = {"oauth_verifier": verifier}
    assert client.send(client.server.access_token_url).status_code in (400, 401)


def test_access_token_needs_a_user(client: Client) -> None:
    client.take(client.initiate())
    client.override = {"oauth_verifier": "a" * 24}
    assert client.send(client.server.access_token_url).status_code == 401


def test_request_token_is_used_once(client: Client) -> None:
    client.take(client.initiate())
    location = client.server.allow(client.authorize_url())
    oauth = {"oauth_verifier": parse_qs(urlsplit(location).query)["oauth_verifier"][0]}
    statuses = [
        client.send(client.server.access_token_url, oauth=oauth).status_code for _ in range(2)
    ]
    assert statuses == [200, 401]


@pytest.mark.parametrize("callback", ["https://evil.example/", "javascript:alert(1)"])
def test_callback_elsewhere_is_refused(client: Client, callback: str) -> None:
    assert client.initiate(callback).status_code == 401


def _body_hash(body: bytes, algorithm: str = "sha1") -> dict[str, str]:
    digest = hashlib.new(algorithm, body).digest()
    return {"oauth_body_hash": base64.b64encode(digest).decode()}


def test_body_hash_is_compared(logged_in: Client) -> None:
    right, wrong = (
        logged_in.echo("POST", data=b"{}", oauth=_body_hash(hashed)).status_code
        for hashed in (b"{}", b"[]")
    )
    assert (right, wrong) == (200, 401)


def test_body_hash_may_be_the_signature_methods(oauth1_server: OAuth1Server) -> None:
    client = Client(oauth1_server, "HMAC-SHA256")
    client.log_in()
    statuses = [
        client.echo("PUT", data=b"{}", oauth=_body_hash(b"{}", algorithm)).status_code
        for algorithm in ("sha1", "sha256", "sha512")
    ]
    assert statuses == [200, 200, 401]


def test_body_hash_has_no_place_beside_a_form(logged_in: Client) -> None:
    hashed = _body_hash(b"a=1")
    assert logged_in.echo("POST", data={"a": "1"}, oauth=hashed).status_code == 401


def test_body_hash_can_be_required(logged_in: Client) -> None:
    logged_in.server.configure(body_hash=True)
    assert logged_in.echo("POST", data=b"{}").status_code == 401
    assert logged_in.echo("POST", data=b"{}", oauth=_body_hash(b"{}")).status_code == 200
    assert logged_in.echo("GET").status_code == 200


@pytest.mark.parametrize("said", ["true", "false", None])
def test_callback_confirmation_can_be_false_or_missing(client: Client, said: str | None) -> None:
    client.server.configure(callback_confirmed=said)
    assert client.take(client.initiate()).get("oauth_callback_confirmed") == said


def test_credentials_can_come_with_201_as_json_and_with_more(client: Client) -> None:
    client.server.configure(status=201, json=True, token_fields={"screen_name": "al"})
    temporary = client.initiate()
    assert (temporary.status_code, temporary.json()["oauth_callback_confirmed"]) == (201, "true")
    client.token = temporary.json()["oauth_token"], temporary.json()["oauth_token_secret"]
    location = client.server.allow(client.authorize_url())
    oauth = {"oauth_verifier": parse_qs(urlsplit(location).query)["oauth_verifier"][0]}
    token = client.send(client.server.access_token_url, oauth=oauth)
    assert (token.status_code, token.json()["screen_name"]) == (201, "al")
    assert token.json().keys() >= {"oauth_token", "oauth_token_secret"}


def test_any_answer_can_be_put_in_place(client: Client) -> None:
    client.server.answer_instead("/initiate", status=503, body="<p>", headers={"X-A": "b"})
    answer = client.initiate()
    assert (answer.status_code, answer.text, answer.headers["X-A"]) == (503, "<p>", "b")
    client.server.reset()
    assert client.initiate().status_code == 200


def test_unknown_setting_is_refused(oauth1_server: OAuth1Server) -> None:
    with pytest.raises(requests.HTTPError, match="400"):
        oauth1_server.configure(body_hsah=True)


def test_log_tells_where_parameters_were_and_no_secret(logged_in: Client) -> None:
    logged_in.override = {"oauth_nonce": "n" * 20}
    logged_in.echo("POST", "?q=1", data={"f": "2"})
    (entry,) = logged_in.server.log("/echo")
    assert (entry["status"], entry["query"], entry["form"]) == (200, ["q"], ["f"])
    assert (entry["signature_method"], entry["nonce"]) == ("HMAC-SHA1", "n" * 20)
    assert "oauth_signature" in entry["protocol"]["header"]
    assert (entry["protocol"]["body"], entry["protocol"]["query"]) == ([], [])
    log = str(logged_in.server.log())
    assert logged_in.token is not None
    for secret in (logged_in.server.client_secret, *logged_in.token):
        assert secret not in log


def test_reset_forgets_tokens_and_log(logged_in: Client) -> None:
    logged_in.server.reset()
    assert logged_in.server.log() == []
    assert logged_in.echo().status_code == 401


def _now() -> str:
    return str(int(time.time()))
