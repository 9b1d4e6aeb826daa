"""An app calls an API for users other than the one whose request it is answering."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import pytest

from flask_oauthclient import OAuth
from flask_oauthclient.protocol.errors import AuthorizationError
from flask_oauthclient.protocol.errors import CallbackError
from flask_oauthclient.protocol.errors import MismatchingStateError

from ._authlib_style import CLIENT
from ._authlib_style import Double
from ._authlib_style import make_app
from ._authlib_style import sending

ALICE = {"access_token": "the-token-of-alice"}
CALLBACK = "https://rp.test/callback"


def answer(request: Any) -> Double:
    if request.url.endswith("/token"):
        return Double({"access_token": "the-new-token-of-bob", "token_type": "Bearer"})
    return Double({})


def make(**kwargs: Any) -> Any:
    oauth = OAuth(make_app(), fetch_token=lambda name: ALICE)
    url = "https://provider.test"
    settings = {"access_token_url": f"{url}/token", "api_base_url": f"{url}/api/", **kwargs}
    oauth.register("dev", **{**CLIENT, **settings})
    return oauth


def test_refresh_for_another_user_does_not_change_whose_request_it_is() -> None:
    oauth = make()
    bob = {"access_token": "b", "refresh_token": "the-refresh-token-of-bob", "expires_at": 1}
    with sending(answer) as sent, oauth.app.test_request_context():
        oauth.dev.get("me", token=bob)
        oauth.dev.get("me")
    calls = [request.headers["Authorization"] for request in sent if "/api/" in request.url]
    assert calls == ["Bearer the-new-token-of-bob", "Bearer the-token-of-alice"]


def test_call_may_bring_its_own_credential() -> None:
    oauth = make()
    with sending(answer) as sent, oauth.app.test_request_context():
        oauth.dev.get("me", auth=("user", "password-of-the-user"))
    assert sent[0].headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("error=access_denied&state=s", AuthorizationError),
        ("error=access_denied&code=c&state=s", AuthorizationError),
        ("code=c&state=s#error=access_denied", AuthorizationError),
        ("code=c&state=t", MismatchingStateError),
    ],
)
def test_authorization_response_is_read_and_never_another_grant(query: str, kind: Any) -> None:
    oauth = make()
    with sending(answer) as sent, oauth.app.test_request_context(), pytest.raises(kind):
        oauth.dev.fetch_access_token(
            CALLBACK,
            authorization_response=f"{CALLBACK}?{query.replace('#', '#state=s&')}",
            state="s",
        )
    assert sent == []


def test_authorization_response_gives_the_code() -> None:
    oauth = make()
    with sending(answer) as sent, oauth.app.test_request_context():
        url = f"{CALLBACK}?code=the-code&state=s"
        token = oauth.dev.fetch_access_token(CALLBACK, authorization_response=url, state="s")
    form = parse_qs(sent[0].body)
    assert token["access_token"] == "the-new-token-of-bob"
    assert (form["grant_type"], form["code"]) == (["authorization_code"], ["the-code"])
    assert not {"state", "authorization_response"} & form.keys()


@pytest.mark.parametrize(
    ("iss", "code"),
    [("&iss=https%3A%2F%2Fother.test", "mismatching_iss"), ("", "missing_iss")],
)
def test_authorization_response_comes_from_the_issuer(iss: str, code: str) -> None:
    oauth = make(
        server_metadata={"issuer": "https://provider.test"},
        authorization_response_iss_parameter_supported=True,
    )
    url = f"{CALLBACK}?code=the-code&state=s{iss}"
    with (
        sending(answer) as sent,
        oauth.app.test_request_context(),
        pytest.raises(CallbackError) as refused,
    ):
        oauth.dev.fetch_access_token(CALLBACK, authorization_response=url, state="s")
    assert (refused.value.error, sent) == (code, [])


def test_password_grant_warns() -> None:
    oauth = make()
    with (
        sending(answer),
        oauth.app.test_request_context(),
        pytest.warns(UserWarning, match="RFC 9700"),
    ):
        oauth.dev.fetch_access_token(username="alice", password="the-password-of-alice")
