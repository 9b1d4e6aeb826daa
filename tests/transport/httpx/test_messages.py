"""Requests of the protocol are sent by the policy of their purpose."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.errors import TransportError
from flask_oauthclient.protocol.messages import Purpose
from flask_oauthclient.protocol.messages import Request
from flask_oauthclient.transport import httpx_sending
from flask_oauthclient.transport._run import Steps
from flask_oauthclient.transport.policy import POLICIES
from tests.transport._breaks import BREAKS
from tests.transport._breaks import answers_then_takes_another_and_hangs_up
from tests.transport._breaks import breaking_first
from tests.transport._breaks import takes_and_hangs_up
from tests.transport._messages import CODE
from tests.transport._messages import CREDENTIAL_PURPOSES
from tests.transport._messages import SECRETS
from tests.transport._messages import message
from tests.transport._raw import Peer
from tests.transport._raw import Script
from tests.transport._raw import always
from tests.transport._raw import answer
from tests.transport._raw import raw_server
from tests.transport._raw import redirect
from tests.transport._slow import LIMIT
from tests.transport._slow import SLOW
from tests.transport._slow import after_reading
from tests.transport.conftest import Serve
from tests.transport.httpx._calls import drive
from tests.transport.httpx.test_deadlines import ends_in_time
from tests.transport.test_errors import FAILURES
from tests.transport.test_redirects import STATUSES
from tests.transport.test_size_limits import HUGE

_DIFFERENT = {"200-headers", "long-header"}  # there is no such limit in httpx2
_FAILURES = {name: case for name, case in FAILURES.items() if name not in _DIFFERENT}


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        yield from _chain(error.__cause__)
        error = error.__context__


def _everything(error: BaseException) -> str:
    texts = [f"{each} {each!r} {each.args!r}" for each in _chain(error)]
    return "\n".join([*texts, *traceback.format_exception(error)])


@pytest.mark.parametrize("purpose", ["token", "userinfo"])
@pytest.mark.parametrize(("script", "code"), _FAILURES.values(), ids=_FAILURES)
def test_each_failure_has_its_code_and_shows_no_secret(
    script: Script, code: str, purpose: str, serve: Serve, send: Any
) -> None:
    server = serve(script)
    with pytest.raises(TransportError) as caught:
        send(purpose, server.url, timeout=0.3 if code == "provider_timeout" else 5)
    assert caught.value.error == code
    assert caught.value.http_status in (502, 504)
    shown = _everything(caught.value)
    assert not any(secret in shown for secret in SECRETS)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_the_whole_answer_is_there(serve: Serve, send: Any) -> None:
    server = serve(always(answer(b'{"a": 1}', headers={"ETag": '"x"'})))
    response = send("metadata", server.url)
    assert (response.status, response.headers["etag"]) == (200, '"x"')
    assert response.json_object("document") == {"a": 1}


def test_a_message_arrives_as_it_is(serve: Serve, send: Any) -> None:
    server = serve(always(answer()))
    send("token", f"{server.url}/token?a=b%20c")
    received, sent = server.last(), message("token", server.url)
    assert (received.method, received.target) == ("POST", "/token?a=b%20c")
    assert received.body == str(sent.body).encode()
    assert received.headers["authorization"] == sent.headers["Authorization"]
    assert received.headers["content-type"] == "application/x-www-form-urlencoded"


# -- time ------------------------------------------------------------------------------------


@pytest.mark.parametrize("slow", ["head", "body", "gzip", "silence"])
def test_a_slow_answer_ends_at_the_total_limit(slow: str, serve: Serve, send: Any) -> None:
    server = serve(after_reading(SLOW[slow]))
    with ends_in_time(OAuthError):
        send("token", server.url, timeout=LIMIT)
    assert len(server.requests) <= 1


@pytest.mark.parametrize("purpose", CREDENTIAL_PURPOSES)
def test_the_policy_of_the_purpose_is_what_counts(
    purpose: str, serve: Serve, send: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = replace(POLICIES[Purpose(purpose)], total_timeout=LIMIT)
    monkeypatch.setattr(httpx_sending, "POLICIES", {**POLICIES, Purpose(purpose): short})
    server = serve(after_reading(SLOW["silence"]))
    with pytest.raises(OAuthError) as caught:
        send(purpose, server.url)
    assert caught.value.error == "provider_timeout"
    assert caught.value.detail["purpose"] == purpose
    assert len(server.requests) <= 1


@pytest.mark.parametrize("limit", [LIMIT, (3, LIMIT), httpx2.Timeout(LIMIT)])
def test_the_limit_of_a_client_counts_where_the_call_has_none(
    limit: Any, serve: Serve, send: Any
) -> None:
    server = serve(after_reading(SLOW["head"]))
    with ends_in_time(OAuthError):
        send("token", server.url, client={"timeout": limit})


# -- size ------------------------------------------------------------------------------------


@pytest.mark.parametrize("huge", ["endless", "gzip-bomb", "bomb-in-a-bomb"])
@pytest.mark.parametrize("purpose", ["token", "jwks"])
def test_a_huge_answer_is_cut_off(huge: str, purpose: str, serve: Serve, send: Any) -> None:
    def script(peer: Peer) -> None:
        peer.receive()
        HUGE[huge](peer)

    server = serve(script)
    with pytest.raises(OAuthError) as caught:
        send(purpose, server.url)
    assert caught.value.error == "response_too_large"
    assert caught.value.detail["limit"] == POLICIES[Purpose(purpose)].max_bytes
    assert len(server.requests) == 1


# -- redirects -------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", CREDENTIAL_PURPOSES)
@pytest.mark.parametrize("status", STATUSES)
def test_no_redirect_is_followed(status: str, purpose: str, serve: Serve, send: Any) -> None:
    elsewhere = serve(always(answer()))
    server = serve(always(redirect(f"{elsewhere.url}/token", status)))
    with pytest.raises(OAuthError) as caught:
        send(purpose, server.url, client={"follow_redirects": True})
    assert caught.value.error == "redirect_refused"
    assert caught.value.detail == {"status": int(status[:3]), "purpose": purpose}
    assert len(server.requests) == 1
    assert elsewhere.requests == []


@pytest.mark.parametrize(
    "location",
    [
        "/other",
        "",
        "http://[::1",
        "http://h:port/",
        "http://\xff\xfe/",
        "ftp://a/",
        "https://a..b/",
    ],
)
def test_a_redirect_to_anywhere_is_refused(location: str, serve: Serve, send: Any) -> None:
    server = serve(always(redirect(location)))
    with pytest.raises(OAuthError, match="redirect_refused"):
        send("token", server.url)
    assert len(server.requests) == 1


def test_not_modified_is_no_redirect(serve: Serve, send: Any) -> None:
    assert send("jwks", serve(always(answer(b"", "304 Not Modified"))).url).status == 304


# -- breaks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", ["metadata", "jwks", "userinfo"])
@pytest.mark.parametrize("breaks", BREAKS.values(), ids=BREAKS)
def test_a_read_that_breaks_is_sent_once_more(
    breaks: Script, purpose: str, serve: Serve, send: Any
) -> None:
    server = serve(breaking_first(breaks))
    assert send(purpose, server.url).body == b'"answered"'
    assert len(server.requests) == 2


@pytest.mark.parametrize("purpose", ["token", "revocation", "introspection"])
@pytest.mark.parametrize("breaks", BREAKS.values(), ids=BREAKS)
def test_a_credential_that_breaks_is_not_sent_again(
    breaks: Script, purpose: str, serve: Serve, send: Any
) -> None:
    server = serve(breaking_first(breaks))
    with pytest.raises(OAuthError, match="provider_unreachable"):
        send(purpose, server.url)
    assert len(server.requests) == 1


@pytest.mark.parametrize("purpose", ["token", "revocation", "introspection"])
def test_a_credential_in_a_query_that_breaks_is_not_sent_again(
    purpose: str, serve: Serve, style: str
) -> None:
    server = serve(breaking_first(takes_and_hangs_up))
    request = Request(Purpose(purpose), "GET", f"{server.url}?code={CODE}", {})

    def flow(client: Any) -> Steps[Any]:
        return (yield client.send_message(request))

    with pytest.raises(OAuthError, match="provider_unreachable"):
        drive(style, flow)
    assert len(server.requests) == 1


@pytest.mark.parametrize(("purpose", "sent"), [("token", 2), ("jwks", 3)])
def test_on_a_kept_connection_as_well(purpose: str, sent: int, serve: Serve, send: Any) -> None:
    server = serve(breaking_first(answers_then_takes_another_and_hangs_up))
    if purpose == "token":
        with pytest.raises(OAuthError, match="provider_unreachable"):
            send(purpose, server.url, server.url)
    else:
        assert send(purpose, server.url, server.url).body == b'"answered"'
    assert len(server.requests) == sent


def test_a_read_that_breaks_twice_fails(serve: Serve, send: Any) -> None:
    server = serve(breaking_first(takes_and_hangs_up, takes_and_hangs_up))
    with pytest.raises(OAuthError, match="provider_unreachable"):
        send("jwks", server.url)
    assert len(server.requests) == 2


def test_an_answer_that_has_begun_is_not_asked_for_again(serve: Serve, send: Any) -> None:
    server = serve(breaking_first(after_reading(lambda peer: peer.send(answer(b"half", length=9)))))
    with pytest.raises(OAuthError):
        send("jwks", server.url, timeout=LIMIT)
    assert len(server.requests) <= 1


def test_an_answer_that_is_not_http_is_not_asked_for_again(serve: Serve, send: Any) -> None:
    server = serve(breaking_first(after_reading(lambda peer: peer.send(b"no HTTP\r\n\r\n"))))
    with pytest.raises(OAuthError):
        send("jwks", server.url)
    assert len(server.requests) == 1


def test_what_takes_too_long_is_not_sent_again(serve: Serve, send: Any) -> None:
    server = serve(after_reading(SLOW["silence"]))
    with pytest.raises(OAuthError, match="provider_timeout"):
        send("jwks", server.url, timeout=LIMIT)
    assert len(server.requests) <= 1


def test_nobody_listens(send: Any) -> None:
    with raw_server(always(answer())) as gone:
        pass
    with pytest.raises(OAuthError, match="provider_unreachable"):
        send("jwks", gone.url)


# -- where to --------------------------------------------------------------------------------


def _mock(style: str, sent: list[str]) -> Any:
    def answering(request: httpx2.Request) -> httpx2.Response:
        sent.append(str(request.url))
        return httpx2.Response(200, json={"a": 1})

    return httpx2.MockTransport(answering)


@pytest.mark.parametrize(
    "url", ["http://op.test/", "http://localhost:80@op.test/", "ftp://op.test/", "op.test/token"]
)
@pytest.mark.parametrize("purpose", ["token", "jwks"])
def test_nothing_is_sent_in_the_clear(url: str, purpose: str, style: str, send: Any) -> None:
    sent: list[str] = []
    with pytest.raises(OAuthError, match="insecure_transport"):
        send(purpose, url, client={"transport": _mock(style, sent)})
    assert sent == []


def test_http_is_sent_where_it_was_asked_for(style: str, send: Any) -> None:
    sent: list[str] = []
    settings = {"transport": _mock(style, sent)}
    assert send("token", "http://op.test/", client=settings, insecure_http=True).status == 200
    assert sent == ["http://op.test/"]


@pytest.mark.parametrize(
    "url", ["https://a..b/token", "https://" + "a" * 70 + ".test/", "https://127.0.0.1:0/"]
)
def test_a_host_that_cannot_be_a_host_is_a_typed_error(url: str, send: Any) -> None:
    with pytest.raises(OAuthError) as caught:
        send("token", url)
    assert caught.value.error in ("provider_unreachable", "insecure_transport", "invalid_response")


@pytest.mark.parametrize("value", ["Bearer t\u00f6ken\u2603", "Bearer a\r\nX: b", "Bearer \0"])
def test_a_token_that_fits_no_header_is_a_typed_error(value: str, style: str) -> None:
    request = Request(Purpose.USERINFO, "GET", "http://127.0.0.1:1/", {"Authorization": value})

    def flow(client: Any) -> Steps[Any]:
        return (yield client.send_message(request))

    with pytest.raises(OAuthError) as caught:
        drive(style, flow)
    assert value not in _everything(caught.value)


def test_a_certificate_that_is_not_trusted(
    serve: Serve, send: Any, tls: Any, ca_bundle: str, other_ca_bundle: str
) -> None:
    server = serve(always(answer()), tls)
    assert send("token", server.url, client={"verify": ca_bundle}).status == 200
    with pytest.raises(OAuthError, match="tls_failure"):
        send("token", server.url, client={"verify": other_ca_bundle})
    assert len(server.requests) == 1


# -- hooks -----------------------------------------------------------------------------------


def test_a_hook_is_shown_the_answer_and_may_replace_it(serve: Serve, send: Any) -> None:
    server = serve(always(answer(b'{"sent": "by the server"}')))
    seen: list[bytes] = []
    unchanged = send("token", server.url, on_response=lambda answer: seen.append(answer.content))
    assert unchanged.json_object("token") == {"sent": "by the server"}
    assert seen == [b'{"sent": "by the server"}']
    made_up = httpx2.Response(400, json={"made": "up"})
    changed = send("token", server.url, on_response=lambda answer: made_up)
    assert (changed.status, changed.json_object("token")) == (400, {"made": "up"})


def test_what_a_hook_cannot_read_is_no_answer(serve: Serve, send: Any) -> None:
    server = serve(always(answer(b"<html>", "500 Oh")))
    for hook in (lambda answer: answer.json(), lambda answer: answer.raise_for_status()):
        with pytest.raises(OAuthError, match="invalid_response"):
            send("token", server.url, on_response=hook)


def test_a_mistake_in_the_program_is_not_hidden(send: Any) -> None:
    def broken(request: httpx2.Request) -> httpx2.Response:
        raise LookupError("a mistake")

    with pytest.raises(LookupError, match="a mistake"):
        send("token", "https://op.test/", client={"transport": httpx2.MockTransport(broken)})
