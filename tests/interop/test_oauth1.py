"""Sessions of OAuth 1.0a, on every HTTP library, at a provider on the server half of oauthlib.

It checks every signature, nonce and body hash by itself, and tells what it understood.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter

from flask_oauthclient.protocol.errors import AuthorizationError
from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import ProviderResponseError
from flask_oauthclient.protocol.errors import TokenRequestError
from flask_oauthclient.protocol.errors import TransportError

from ..helpers.leaks import Watch
from ..servers.oauthlib_server import OAuth1Server
from ..sessions._edges import EDGES
from ..sessions._edges import Edge
from ..transport._raw import Peer
from ..transport._raw import RawServer
from ..transport._raw import answer
from ..transport._raw import raw_server

pytestmark = pytest.mark.filterwarnings("ignore:PLAINTEXT in the QUERY")

CALLBACK = "http://localhost/callback?keep=this"
METHODS = [
    *(f"{kind}-{name}" for kind in ("HMAC", "RSA") for name in ("SHA1", "SHA256", "SHA512")),
    "PLAINTEXT",
]
PLACES = ["HEADER", "QUERY", "BODY"]
FORM = "application/x-www-form-urlencoded"
#: Names and values in need of care.
PAIRS = [
    ("q", "a b"),
    ("q", ""),
    ("q", "~._-"),
    ("plus", "1+1=2"),
    ("percent", "%20 & % ="),
    ("grüße", "☃ 🦊"),
    ("", "nameless"),
    ("q", "a b"),
]

Make = Callable[..., Any]


@pytest.fixture(autouse=True, params=list(EDGES))
def edge(request: pytest.FixtureRequest) -> Iterator[Edge]:
    """The HTTP library, and the event loop."""
    with ExitStack() as stack:
        yield EDGES[request.param](request.param, stack)


#: For what only requests has.
of_requests = pytest.mark.parametrize("edge", ["requests"], indirect=True)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def make(oauth1_server: OAuth1Server, watch: Watch, edge: Edge) -> Make:
    """Makes sessions of the client that the server knows.

    They are untyped, as the types of HTTP libraries don't know what a session adds to them.
    """
    watch.secret(oauth1_server.client_secret, oauth1_server.rsa_key)

    def session(method: str = "HMAC-SHA1", **kwargs: Any) -> Any:
        key = {"rsa_key": oauth1_server.rsa_key} if method.startswith("RSA") else {}
        secret = secret_for(oauth1_server, method, kwargs.get("signature_type", "HEADER"))
        return edge.session(
            None,
            edge.OAuth1,
            oauth1_server.client_id,
            secret,
            signature_method=method,
            **{"redirect_uri": CALLBACK, **key, **kwargs},
        )

    return session


def secret_for(server: OAuth1Server, method: str, place: str) -> str:
    """The client's secret, which is a plain one where oauthlib cannot do with another.

    It decodes the signature twice when that stands in the query or the body, so that a secret in
    need of escaping can't be sent there as it is.
    """
    if method != "PLAINTEXT" or place == "HEADER":
        return server.client_secret
    plain = "the-plain-secret-of-the-client"
    server.configure(client_secret=plain)
    return plain


@pytest.fixture
def dance(oauth1_server: OAuth1Server, watch: Watch) -> Callable[..., Any]:
    """Takes a session through the whole dance, and gives it back."""

    def through(session: Any, user: str = "alice") -> Any:
        # What has to stand in the query also stands where urllib3 logs URLs.
        in_urls = session.auth.signature_type == "QUERY"
        shows_secrets = in_urls and session.auth.signature_method == "PLAINTEXT"
        session.fetch_request_token(oauth1_server.request_token_url)
        secrets = [session.token["oauth_token_secret"]]
        url = session.create_authorization_url(oauth1_server.authorize_url)
        response = session.parse_authorization_response(oauth1_server.allow(url, user))
        session.fetch_access_token(oauth1_server.access_token_url)
        secrets.append(session.token["oauth_token_secret"])
        watch.secret(*[] if shows_secrets else secrets)
        watch.secret(*[] if in_urls else [response["oauth_verifier"]])
        session.redirect_uri = None
        return session

    return through


@pytest.fixture
def alice(make: Make, dance: Callable[..., Any]) -> Any:
    """A session with Alice's token credentials."""
    return dance(make())


# -- the dance ---------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("method", METHODS)
def test_the_whole_dance(
    method: str, place: str, make: Make, dance: Callable[..., Any], oauth1_server: OAuth1Server
) -> None:
    session = dance(make(method, signature_type=place), "bob")
    echoed = session.post(oauth1_server.echo_url, params={"q": "~ü"}, data={"f": "1 +"}).json()
    assert (echoed["user"], echoed["method"]) == ("bob", "POST")
    assert (echoed["query"], echoed["form"]) == ([["q", "~ü"]], [["f", "1 +"]])
    signed = [entry for entry in oauth1_server.log() if entry["signature_method"]]
    assert [entry["path"] for entry in signed] == ["/initiate", "/token", "/echo"]
    for entry in signed:
        assert (entry["signature_method"], entry["status"]) == (method, 200)
        assert "oauth_signature" in entry["protocol"][place.lower()]
        assert sum("oauth_signature" in names for names in entry["protocol"].values()) == 1
    assert [entry["callback"] for entry in signed] == [CALLBACK, CALLBACK, None]


def test_the_steps_give_what_the_server_said(make: Make, oauth1_server: OAuth1Server) -> None:
    oauth1_server.configure(status=201, json=True, token_fields={"screen_name": "al"})
    session = make(realm="photos")
    request_token = session.fetch_request_token(oauth1_server.request_token_url, ["a", "b"])
    assert request_token["oauth_callback_confirmed"] == "true"
    url = session.create_authorization_url(oauth1_server.authorize_url)
    back = oauth1_server.allow(url)
    assert back.startswith(CALLBACK)
    response = session.parse_authorization_response(back)
    assert response["keep"] == "this"
    assert response["oauth_token"] == request_token["oauth_token"]
    token = session.fetch_access_token(oauth1_server.access_token_url)
    assert token["screen_name"] == "al"
    assert session.token == {
        "oauth_token": token["oauth_token"],
        "oauth_token_secret": token["oauth_token_secret"],
        "oauth_verifier": None,
    }
    realms = [entry["realm"] for entry in oauth1_server.log() if entry["signature_method"]]
    assert realms == ["a b", "photos"]


def test_a_session_can_be_put_together_from_what_was_stored(
    alice: Any, make: Make, oauth1_server: OAuth1Server
) -> None:
    stored = alice.token
    session = make(
        token=stored["oauth_token"], token_secret=stored["oauth_token_secret"], redirect_uri=None
    )
    assert session.get(oauth1_server.echo_url).json()["user"] == "alice"


def test_a_client_without_a_callback_is_given_a_pin(
    make: Make, oauth1_server: OAuth1Server
) -> None:
    session = make(redirect_uri="oob")
    session.fetch_request_token(oauth1_server.request_token_url)
    pin = oauth1_server.verifier(
        session.create_authorization_url(oauth1_server.authorize_url), "carol"
    )
    session.fetch_access_token(oauth1_server.access_token_url, verifier=pin)
    assert session.get(oauth1_server.echo_url).json()["user"] == "carol"


@pytest.mark.parametrize("pin", ["0" * 24, "short"])
def test_a_wrong_pin_gets_no_token(pin: str, make: Make, oauth1_server: OAuth1Server) -> None:
    session = make(redirect_uri="oob")
    session.fetch_request_token(oauth1_server.request_token_url)
    oauth1_server.verifier(session.create_authorization_url(oauth1_server.authorize_url))
    with pytest.raises(TokenRequestError) as caught:
        session.fetch_access_token(oauth1_server.access_token_url, verifier=pin)
    assert caught.value.error == "fetch_token_denied"
    assert caught.value.detail["status"] in (400, 401)
    assert pin not in f"{caught.value} {caught.value.detail}"


def test_a_user_who_says_no_is_a_refusal(make: Make, oauth1_server: OAuth1Server) -> None:
    session = make()
    session.fetch_request_token(oauth1_server.request_token_url)
    back = oauth1_server.deny(session.create_authorization_url(oauth1_server.authorize_url))
    with pytest.raises(AuthorizationError) as caught:
        session.parse_authorization_response(back)
    assert caught.value.error == "access_denied"
    with pytest.raises(OAuthError, match="missing_verifier"):
        session.fetch_access_token(oauth1_server.access_token_url)


def test_a_callback_of_somebody_elses_login_is_refused(
    make: Make, oauth1_server: OAuth1Server
) -> None:
    mine, hers = make(), make()
    for session in (mine, hers):
        session.fetch_request_token(oauth1_server.request_token_url)
    back = oauth1_server.allow(hers.create_authorization_url(oauth1_server.authorize_url))
    with pytest.raises(OAuthError, match="mismatching_state"):
        mine.parse_authorization_response(back)


@pytest.mark.parametrize("said", ["false", None], ids=["O01-false", "O01-absent"])
def test_the_callback_has_to_be_confirmed(
    said: str | None, make: Make, oauth1_server: OAuth1Server
) -> None:
    oauth1_server.configure(callback_confirmed=said)
    with pytest.raises(ProviderResponseError) as caught:
        make(require_callback_confirmed=True).fetch_request_token(oauth1_server.request_token_url)
    assert caught.value.error == "callback_not_confirmed"


@pytest.mark.parametrize("method", METHODS)
def test_a_wrong_key_gets_no_credentials(
    method: str, make: Make, oauth1_server: OAuth1Server
) -> None:
    if method.startswith("RSA"):
        session = make(method)
        session.auth.client_id = "f" * 24
    else:
        session = make(method)
        session.auth.client_secret = "the-wrong-secret"
    with pytest.raises(TokenRequestError) as caught:
        session.fetch_request_token(oauth1_server.request_token_url)
    assert caught.value.detail["status"] == 401


def test_a_redirect_on_an_endpoint_for_credentials_is_refused(
    make: Make, oauth1_server: OAuth1Server
) -> None:
    oauth1_server.answer_instead("/initiate", status=307, headers={"Location": "/token"})
    with pytest.raises(TransportError, match="redirect_refused"):
        make().fetch_request_token(oauth1_server.request_token_url)
    assert oauth1_server.log("/token") == []


def test_parameters_of_a_request_for_credentials_are_signed(
    make: Make, oauth1_server: OAuth1Server
) -> None:
    session = make()
    session.params = {"format": "form & more"}
    session.fetch_request_token(
        oauth1_server.request_token_url + "?lang=de", params={"x": "ü"}, data={"scope": ["a", ""]}
    )
    [entry] = oauth1_server.log("/initiate")
    assert (entry["status"], sorted(entry["query"])) == (200, ["format", "lang", "x"])
    assert set(entry["form"]) == {"scope"}


# -- signed calls ------------------------------------------------------------------------


def as_lists(pairs: list[tuple[str, str]]) -> list[list[str]]:
    return sorted([name, value] for name, value in pairs)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256", "RSA-SHA1", "PLAINTEXT"])
def test_a_form_with_a_query_arrives_as_it_was(
    method: str, place: str, make: Make, dance: Callable[..., Any], oauth1_server: OAuth1Server
) -> None:
    session = dance(make(method, signature_type=place))
    echoed = session.post(oauth1_server.echo_url, params=PAIRS, data=PAIRS).json()
    assert sorted(echoed["query"]) == as_lists(PAIRS)
    assert sorted(echoed["form"]) == as_lists(PAIRS)


@pytest.mark.parametrize("place", ["HEADER", "QUERY"])
@pytest.mark.parametrize("http_method", ["GET", "DELETE"])
def test_a_query_arrives_as_it_was(
    http_method: str, place: str, alice: Any, oauth1_server: OAuth1Server
) -> None:
    alice.auth.signature_type = place
    response = alice.request(http_method, oauth1_server.echo_url + "?own=%7e%2B", params=PAIRS)
    echoed = response.json()
    assert (echoed["method"], echoed["user"]) == (http_method, "alice")
    assert sorted(echoed["query"]) == as_lists([("own", "~+"), *PAIRS])


@pytest.mark.parametrize(
    ("query", "understood"),
    [
        ("a=1&a=&a", [["a", "1"], ["a", ""], ["a", ""]]),
        ("a=%2B+%20", [["a", "+  "]]),
        ("a=%c3%bc&b=ü", [["a", "ü"], ["b", "ü"]]),
        ("a=b=c&d=%26", [["a", "b=c"], ["d", "&"]]),
        ("a=1&&b=2", [["a", "1"], ["b", "2"]]),
        ("a%20b=!*'()", [["a b", "!*'()"]]),
        ("a=/?:@", [["a", "/?:@"]]),
    ],
)
def test_a_query_of_the_url_is_signed_as_it_stands(
    query: str, understood: Any, alice: Any, oauth1_server: OAuth1Server
) -> None:
    assert alice.get(f"{oauth1_server.echo_url}?{query}").json()["query"] == understood


@pytest.mark.parametrize("http_method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("body", ["form", "text", "octets"])
def test_a_form_arrives_with_every_method(
    body: str, http_method: str, alice: Any, oauth1_server: OAuth1Server
) -> None:
    data: Any = {"form": {"a": "ü~ +"}, "text": "a=%C3%BC~+%2B", "octets": b"a=%C3%BC~+%2B"}[body]
    echoed = alice.request(http_method, oauth1_server.echo_url, data=data).json()
    assert (echoed["method"], echoed["form"]) == (http_method, [["a", "ü~ +"]])


@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA512", "RSA-SHA256"])
@pytest.mark.parametrize("force_include_body", [False, True])
def test_json_arrives_and_its_hash_when_wanted(
    force_include_body: bool,
    method: str,
    make: Make,
    dance: Callable[..., Any],
    oauth1_server: OAuth1Server,
) -> None:
    session = dance(make(method, force_include_body=force_include_body))
    oauth1_server.configure(body_hash=force_include_body)
    document = {"text": "grüße & mehr", "list": [1, None], "oauth_token": "x"}
    for http_method in ("POST", "PUT"):
        echoed = session.request(http_method, oauth1_server.echo_url, json=document).json()
        assert (echoed["method"], echoed["json"], echoed["form"]) == (http_method, document, [])
    hashes = [entry["body_hash"] for entry in oauth1_server.log("/echo")]
    assert all(hashes) is force_include_body


def test_without_the_hash_a_server_that_wants_it_refuses(
    alice: Any, oauth1_server: OAuth1Server
) -> None:
    oauth1_server.configure(body_hash=True)
    assert alice.post(oauth1_server.echo_url, json={}).status_code == 401
    alice.auth.force_include_body = True
    assert alice.post(oauth1_server.echo_url, json={}).status_code == 200
    assert alice.get(oauth1_server.echo_url).status_code == 200


@pytest.mark.parametrize("force_include_body", [False, True])
def test_files_arrive(force_include_body: bool, alice: Any, oauth1_server: OAuth1Server) -> None:
    alice.auth.force_include_body = force_include_body
    oauth1_server.configure(body_hash=force_include_body)
    echoed = alice.post(
        oauth1_server.echo_url,
        params={"album": "ü"},
        data={"title": "a & b", "empty": ""},
        files={"photo": ("grüße.txt", "inhalt ☃".encode(), "text/plain")},
    ).json()
    assert sorted(echoed["form"]) == [["empty", ""], ["title", "a & b"]]
    assert echoed["query"] == [["album", "ü"]]
    assert echoed["files"]["photo"] == {
        "filename": "grüße.txt",
        "content_type": "text/plain",
        "text": "inhalt ☃",
    }
    [entry] = oauth1_server.log("/echo")
    assert bool(entry["body_hash"]) is force_include_body


def test_an_empty_post_arrives(alice: Any, oauth1_server: OAuth1Server) -> None:
    for place in PLACES:
        alice.auth.signature_type = place
        echoed = alice.post(oauth1_server.echo_url).json()
        assert (echoed["user"], echoed["form"], echoed["query"]) == ("alice", [], [])


def test_nonces_are_what_strict_servers_take(alice: Any, oauth1_server: OAuth1Server) -> None:
    alice.get(oauth1_server.echo_url)
    for entry in oauth1_server.log("/echo"):
        assert 20 <= len(entry["nonce"]) <= 30
        assert set(entry["nonce"]) <= set("0123456789abcdef")
        assert entry["version"] == "1.0"


# -- the signer alone --------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("method", METHODS)
def test_the_signer_works_alone(
    method: str, place: str, alice: Any, oauth1_server: OAuth1Server, edge: Edge
) -> None:
    auth = edge.library.OAuth1Auth(
        oauth1_server.client_id,
        secret_for(oauth1_server, method, place),
        alice.token["oauth_token"],
        alice.token["oauth_token_secret"],
        rsa_key=oauth1_server.rsa_key,
        signature_method=method,
        signature_type=place,
    )
    url = oauth1_server.echo_url
    with edge.foreign(None) as plain:
        first = plain.post(url, params=PAIRS, data=PAIRS, auth=auth, timeout=10).json()
        second = plain.put(url, data={"again": "1"}, auth=auth, timeout=10).json()
    assert sorted(first["query"]) == sorted(first["form"]) == as_lists(PAIRS)
    assert (second["user"], second["form"]) == ("alice", [["again", "1"]])


# -- the server does check ---------------------------------------------------------------


class Tampering(HTTPAdapter):
    """Changes a request that was signed already, as somebody in the middle would."""

    def __init__(self, change: Callable[[requests.PreparedRequest], None]) -> None:
        super().__init__()
        self._change = change

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        self._change(request)
        request.prepare_content_length(request.body)
        return super().send(request, *args, **kwargs)


def _query(request: requests.PreparedRequest) -> None:
    request.url = str(request.url).replace("amount=1", "amount=9")


def _form(request: requests.PreparedRequest) -> None:
    body = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
    request.body = body.replace("amount=1", "amount=9")


def _method(request: requests.PreparedRequest) -> None:
    request.method = "PUT"


def _document(request: requests.PreparedRequest) -> None:
    request.body = b'{"amount": 9}'


TAMPERED: dict[str, tuple[Callable[[requests.PreparedRequest], None], dict[str, Any]]] = {
    "query": (_query, {"params": {"amount": "1"}}),
    "form": (_form, {"data": {"amount": "1"}}),
    "method": (_method, {"data": {"amount": "1"}}),
    "json": (_document, {"json": {"amount": 1}}),
}


@of_requests
@pytest.mark.parametrize("place", ["HEADER", "QUERY"])
@pytest.mark.parametrize("method", [name for name in METHODS if name != "PLAINTEXT"])
@pytest.mark.parametrize("what", TAMPERED)
def test_a_request_that_was_tampered_with_is_refused(
    what: str,
    method: str,
    place: str,
    make: Make,
    alice: Any,
    oauth1_server: OAuth1Server,
) -> None:
    change, call = TAMPERED[what]
    session = make(method, signature_type=place, force_include_body=True, redirect_uri=None)
    session.token = alice.token
    assert session.post(oauth1_server.echo_url, **call).status_code == 200
    session.mount("http://", Tampering(change))
    assert session.post(oauth1_server.echo_url, **call).status_code == 401


@of_requests
def test_a_request_that_is_replayed_is_refused(alice: Any, oauth1_server: OAuth1Server) -> None:
    prepared = alice.prepare_request(requests.Request("GET", oauth1_server.echo_url))
    assert [alice.send(prepared).status_code for _ in range(2)] == [200, 401]


def test_the_hash_is_that_of_the_body(alice: Any, oauth1_server: OAuth1Server) -> None:
    alice.auth.force_include_body = True
    alice.post(oauth1_server.echo_url, data=b"\x00\xff", headers={"Content-Type": "application/x"})
    [entry] = oauth1_server.log("/echo")
    expected = base64.b64encode(hashlib.sha1(b"\x00\xff").digest()).decode()
    assert (entry["status"], entry["body_hash"]) == (200, expected)


# -- redirects ---------------------------------------------------------------------------


def redirect_to(server: OAuth1Server, location: str, status: int) -> str:
    """Make the server redirect a path of its own, and give the URL of that path."""
    server.answer_instead("/moved", status=status, headers={"Location": location})
    return f"{server.base_url}/moved"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_at_the_same_origin_is_signed_anew_and_accepted(
    status: int, place: str, alice: Any, oauth1_server: OAuth1Server
) -> None:
    alice.auth.signature_type = place
    url = redirect_to(oauth1_server, "/echo?from=redirect", status)
    response = alice.post(url, data={"a": "ü +"}, params={"q": "1"})
    assert (response.status_code, len(response.history)) == (200, 1)
    echoed = response.json()
    kept = status in (307, 308)
    assert echoed["method"] == ("POST" if kept else "GET")
    assert echoed["query"] == [["from", "redirect"]]
    assert echoed["form"] == ([["a", "ü +"]] if kept else [])
    moved, arrived = oauth1_server.log("/moved")[0], oauth1_server.log("/echo")[0]
    assert moved["nonce"] != arrived["nonce"]
    assert len(moved["nonce"]) == len(arrived["nonce"]) == 24


@of_requests
@pytest.mark.parametrize("method", ["HMAC-SHA1", "PLAINTEXT"])
def test_a_redirect_that_repeats_our_query_is_accepted(
    method: str, make: Make, dance: Callable[..., Any], oauth1_server: OAuth1Server
) -> None:
    session = dance(make(method, signature_type="QUERY"))

    class Repeating(HTTPAdapter):
        """A server that hands on the query, signature and all."""

        def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
            if "/moved" in str(request.url):
                redirect_to(oauth1_server, f"/echo?{urlsplit(str(request.url)).query}", 302)
            return super().send(request, *args, **kwargs)

    session.mount("http://", Repeating())
    response = session.get(f"{oauth1_server.base_url}/moved", params=[("q", "1"), ("q", "")])
    assert response.json()["query"] == [["q", "1"], ["q", ""]]
    moved, arrived = oauth1_server.log("/moved")[0], oauth1_server.log("/echo")[0]
    assert moved["nonce"] != arrived["nonce"]


def _glad(peer: Peer) -> None:
    while peer.receive() is not None:
        peer.send(answer())


@pytest.fixture
def elsewhere() -> Any:
    """Another origin, that would be glad to get a request."""
    with raw_server(_glad) as server:
        yield server


@pytest.mark.parametrize("place", ["HEADER", "QUERY"])
@pytest.mark.parametrize("status", [302, 307])
def test_another_origin_gets_no_signature(
    status: int, place: str, alice: Any, oauth1_server: OAuth1Server, elsewhere: RawServer
) -> None:
    alice.auth.signature_type = place
    url = redirect_to(oauth1_server, f"{elsewhere.url}/x", status)
    assert alice.post(url, json={"a": 1}).status_code == 200
    [received] = elsewhere.requests
    assert "authorization" not in received.headers
    assert "oauth_" not in received.target + received.body.decode()


@pytest.mark.parametrize("method", ["HMAC-SHA1", "PLAINTEXT"])
def test_another_origin_gets_no_signed_form(
    method: str, alice: Any, oauth1_server: OAuth1Server, elsewhere: RawServer
) -> None:
    alice.auth.signature_type, alice.auth.signature_method = "BODY", method
    url = redirect_to(oauth1_server, f"{elsewhere.url}/x", 307)
    with pytest.raises(InsecureTransportError):
        alice.post(url, data={"a": "1"})
    assert elsewhere.requests == []


def test_auth_of_a_call_is_not_ours_after_a_redirect(
    alice: Any, oauth1_server: OAuth1Server, edge: Edge
) -> None:
    def own(request: Any) -> Any:
        request.headers["X-Own"] = "scheme"
        return request

    url = redirect_to(oauth1_server, "/echo", 302)
    assert alice.get(url, auth=edge.own_auth(own)).status_code == 401
    assert oauth1_server.log("/echo")[0]["protocol"] == {"header": [], "body": [], "query": []}


# -- threads -----------------------------------------------------------------------------


@pytest.mark.parametrize("row", ["O06"])
def test_fifty_threads_share_a_session(row: str, alice: Any, oauth1_server: OAuth1Server) -> None:
    def call(number: int) -> list[str]:
        response = alice.post(oauth1_server.echo_url, data={"n": str(number)})
        assert response.status_code == 200
        value: list[str] = response.json()["form"][0]
        return value

    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(call, range(200)))
    assert found == [["n", str(number)] for number in range(200)]
    log = oauth1_server.log("/echo")
    assert {entry["status"] for entry in log} == {200}
    assert len({entry["nonce"] for entry in log}) == len(log) == 200
