"""A worker with tokens of its own, and calls that share one session: renewal without surprises."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import TokenRequestError
from flask_oauthclient.protocol.errors import TransportError
from flask_oauthclient.protocol.random import generate_token
from flask_oauthclient.testing.provider import DEMO_CLIENT_ID
from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.helpers.clock import Clock
from tests.sessions._answers import API_URL
from tests.sessions._answers import TOKEN_URL
from tests.sessions._answers import Answer
from tests.sessions._answers import Answers
from tests.sessions._answers import expired
from tests.sessions._answers import token
from tests.sessions._edges import Edge
from tests.sessions._edges import session_at

REFUSED = Answer({}, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})


class Server:
    """A token endpoint and an API; tokens are numbered, and those that are revoked refused."""

    def __init__(self, **fields: Any) -> None:
        self.fields = {"expires_in": 3600, **fields}
        self.revoked: set[str] = set()
        self.problem: Answer | None = None
        self.count = 0
        self.answers = Answers(self.answer)
        self.session_settings: dict[str, Any] = {}

    def answer(self, request: Any) -> Answer:
        if request.url.partition("?")[0] == TOKEN_URL:
            self.count += 1
            if self.problem is not None:
                return self.problem
            return Answer(token(f"number-{self.count}", **self.fields))
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return REFUSED if bearer in self.revoked else Answer({"ok": bearer})

    def worker(self, **kwargs: Any) -> Any:
        return session_at(self.answers, **kwargs)

    @property
    def token_forms(self) -> list[dict[str, Any]]:
        sent = zip(self.answers.sent, self.answers.forms, strict=True)
        return [form for request, form in sent if str(request.url).startswith(TOKEN_URL)]


def _in_threads(count: int, call: Any) -> list[Any]:
    barrier = threading.Barrier(count)

    def together(_: int) -> Any:
        barrier.wait(10)
        try:
            return call()
        except OAuthError as error:
            return error

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(together, range(count)))


# -- tokens of the client's own --------------------------------------------------------------------


def test_a_renewal_asks_for_the_same_again(clock: Clock) -> None:
    server, told = Server(), []
    session = server.worker(
        scope=["read", "write"],
        update_token=lambda new, **old: told.append((new["access_token"], old)),
    )
    session.fetch_token(
        TOKEN_URL, audience="https://api.test", resource=["a", "b"], body="tenant=x", timeout=7
    )
    assert told == []
    for count in (2, 3):
        clock.advance(3600)
        assert session.get(API_URL).json() == {"ok": f"access-token-number-{count}"}
    assert (
        server.token_forms
        == [
            {
                "grant_type": "client_credentials",
                "scope": "read write",
                "audience": "https://api.test",
                "resource": ["a", "b"],
                "tenant": "x",
            }
        ]
        * 3
    )
    assert told == [
        ("access-token-number-2", {"access_token": "access-token-number-1"}),
        ("access-token-number-3", {"access_token": "access-token-number-2"}),
    ]
    settings = zip(server.answers.sent, server.answers.settings, strict=True)
    assert {s["timeout"][1] for request, s in settings if request.url == TOKEN_URL} == {7}


@pytest.mark.filterwarnings("ignore:GET puts:UserWarning")
def test_a_renewal_is_made_in_the_same_way(clock: Clock) -> None:
    server = Server()
    session = server.worker(token_endpoint_auth_method="client_secret_post")
    session.fetch_token(
        TOKEN_URL, method="GET", headers={"X-Own": "1"}, auth=("other", "the-other-secret")
    )
    clock.advance(3600)
    session.get(API_URL)
    first, second, _ = server.answers.sent
    assert (second.method, second.url) == (first.method, first.url) == ("GET", first.url)
    assert dict(second.headers) == dict(first.headers)
    assert "X-Own" in second.headers


def test_a_scope_of_the_call_is_renewed(clock: Clock) -> None:
    server = Server()
    session = server.worker(scope="session")
    session.fetch_token(TOKEN_URL, scope="call")
    clock.advance(3600)
    session.ensure_active_token()
    assert [form["scope"] for form in server.token_forms] == ["call", "call"]


def test_a_worker_that_begins_with_a_stored_token() -> None:
    server, told = Server(), []
    session = server.worker(
        token=token("stored", expires_at=1),
        token_endpoint=TOKEN_URL,
        grant_type="client_credentials",
        scope="api",
        update_token=lambda new, access_token=None, **rest: told.append((access_token, rest)),
    )
    assert session.get(API_URL).json() == {"ok": "access-token-number-1"}
    assert server.token_forms == [{"grant_type": "client_credentials", "scope": "api"}]
    assert told == [("access-token-stored", {})]


@pytest.mark.parametrize("kind", ["expired", "refused"])
def test_twenty_threads_renew_once(kind: str, clock: Clock) -> None:
    server, told = Server(), []
    session = server.worker(update_token=lambda *args, **kwargs: told.append(args))
    session.fetch_token(TOKEN_URL)
    if kind == "expired":
        clock.advance(3600)
    else:
        server.revoked.add("access-token-number-1")
    responses = _in_threads(20, lambda: session.get(API_URL))
    assert [response.json() for response in responses] == [{"ok": "access-token-number-2"}] * 20
    assert server.count == 2
    assert len(told) == 1


def test_a_refused_token_leads_to_one_new_one_and_one_more_try() -> None:
    server = Server()
    session = server.worker()
    session.fetch_token(TOKEN_URL)
    server.revoked.update({"access-token-number-1", "access-token-number-2"})
    assert session.get(API_URL).status_code == 401
    assert server.count == 2
    urls = [request.url for request in server.answers.sent]
    assert urls == [TOKEN_URL, API_URL, TOKEN_URL, API_URL]


@pytest.mark.parametrize("running", [False, True], ids=["no-loop", "inside-a-loop"])
def test_update_token_may_be_a_coroutine_function(running: bool) -> None:
    server, told = Server(), []

    async def update(new: Any, refresh_token: Any = None, access_token: Any = None) -> None:
        await anyio.lowlevel.checkpoint()
        told.append((new["access_token"], refresh_token, access_token))

    session = server.worker(
        token=token("old", expires_at=1),
        token_endpoint=TOKEN_URL,
        grant_type="client_credentials",
        update_token=update,
    )

    async def inside() -> Any:
        return session.get(API_URL)

    response = asyncio.run(inside()) if running else session.get(API_URL)
    assert response.status_code == 200
    assert told == [("access-token-number-1", None, "access-token-old")]


def test_update_token_may_use_the_session_itself(edge: Edge) -> None:
    server, seen = Server(), []
    session = server.worker(token=expired(), token_endpoint=TOKEN_URL)

    async def update(new: Any, **old: Any) -> None:
        seen.append((await session.client.get(API_URL)).json())

    by_blocking = lambda new, **old: seen.append(session.get(API_URL).json())  # noqa: E731
    session.update_token = by_blocking if edge.blocks else update
    session.get(API_URL)
    assert seen == [{"ok": "access-token-number-1"}]
    assert server.count == 1


def test_a_worker_at_a_provider(provider: DevelopmentProvider, clock: Clock) -> None:
    session: Any = session_at(
        provider.adapter(), client_id=DEMO_CLIENT_ID, client_secret=DEMO_CLIENT_SECRET, scope="api"
    )
    first = session.fetch_token(f"{provider.issuer}/token")
    session.token = {**first, "access_token": generate_token(40)}
    assert session.get(f"{provider.issuer}/api/me").status_code == 200
    session.token = {**session.token, "expires_at": 1}
    assert session.get(f"{provider.issuer}/api/me").status_code == 200
    assert provider.log.count("token") == 3
    assert {record.form["scope"] for record in provider.log.find("token")} == {"api"}


# -- refreshing for many ---------------------------------------------------------------------------


def test_tokens_that_live_shorter_than_the_leeway_are_never_spent_twice() -> None:
    server = Server(expires_in=30)
    spent: list[str] = []

    def answer(request: Any) -> Answer:
        if request.url != TOKEN_URL:
            return Answer({})
        server.count += 1
        name = f"number-{server.count}"
        return Answer(token(name, expires_in=30, refresh_token=f"refresh-token-{name}"))

    server.answers = Answers(answer)
    session = server.worker(token=expired(), token_endpoint=TOKEN_URL)
    _in_threads(12, lambda: [session.get(API_URL) for _ in range(5)])
    spent = [form["refresh_token"] for form in server.token_forms]
    assert spent[0] == "refresh-token-old"
    assert len(spent) == len(set(spent)), "a refresh token was spent twice"


def test_who_judges_an_old_token_refreshes_with_the_current_one() -> None:
    server = Server()
    session = server.worker(token=expired("newer"), token_endpoint=TOKEN_URL)
    assert session.ensure_active_token(expired("older")) is True
    assert [form["refresh_token"] for form in server.token_forms] == ["refresh-token-newer"]


def test_who_judges_an_old_token_may_find_that_no_other_can_be_had() -> None:
    server = Server()
    session = server.worker(token=token("newer", expires_at=1), token_endpoint=TOKEN_URL)
    assert session.ensure_active_token(expired("older")) is None
    assert server.count == 0


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (Answer({"error": "invalid_grant"}, 400), TokenRequestError),
        (Answer({}, 503), TransportError),
    ],
    ids=["invalid_grant", "503"],
)
def test_threads_that_wait_share_a_failure(problem: Answer, kind: type[OAuthError]) -> None:
    server, waiting = Server(), threading.Semaphore(0)
    server.problem = problem
    session = server.worker(token=expired(), token_endpoint=TOKEN_URL)

    class Counting:
        """A lock that tells when a thread comes to it."""

        def __init__(self, lock: Any) -> None:
            self._lock = lock

        def acquire(self) -> Any:
            waiting.release()
            return self._lock.acquire()

        def release(self) -> None:
            self._lock.release()

    session._replacing = Counting(session._replacing)

    def answer(request: Any) -> Answer:
        for _ in range(21):  # whoever refreshes has come to it twice
            assert waiting.acquire(timeout=10)
        return server.answer(request)

    session.mount("https://", answers := Answers(answer))
    errors = _in_threads(20, lambda: session.get(API_URL))
    assert {type(error) for error in errors} == {kind}
    assert len({id(error) for error in errors}) == 20, "each thread has an error of its own"
    assert len(answers.sent) == 1
    assert session.token["access_token"] == "access-token-old"


def test_an_empty_token_is_none() -> None:
    server = Server()
    session = server.worker(token={}, token_endpoint=TOKEN_URL)
    assert session.ensure_active_token() is None
    with pytest.raises(OAuthError, match="missing_token"):
        session.get(API_URL)
    assert server.answers.sent == []
