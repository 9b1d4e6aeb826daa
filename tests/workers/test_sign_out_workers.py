"""What a provider ends is over at all worker processes, and each logout token works once."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.forms import Button
from flask_oauthclient.testing.provider import DEMO_CLIENT_ID
from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import KeyRing
from tests.flask_client._people import logout_token
from tests.servers.oidc_provider import OidcProvider
from tests.servers.process import running

ROOT = Path(__file__).parents[2]
WORKERS = 4
SECRET = "web-secret-0123456789-0123456789"

StartWorkers = Callable[[str, str, str], list[str]]


@pytest.fixture
def start_workers(redis_url: str) -> Iterator[StartWorkers]:
    """Starts workers over one Redis, and gives their origins."""
    with ExitStack() as stack:

        def start(*client: str) -> list[str]:
            command = [sys.executable, "-m", "tests.workers._sign_out_worker", *client, redis_url]
            started = [stack.enter_context(running(command, cwd=ROOT)) for _ in range(WORKERS)]
            ports = [process.first_line()["port"] for process in started]
            return [f"http://127.0.0.1:{port}" for port in ports]

        yield start


class Person:
    """Somebody with a browser; cookies know no ports, so all workers see the same."""

    def __init__(self, workers: list[str], name: str) -> None:
        self._workers = workers
        self._answers = {"login": name, "password": "any"}
        self.browser = ScriptedBrowser()

    def sign_in(self, worker: str) -> None:
        """Sign in at one of the workers."""
        page = self.browser.walk(f"{worker}/auth/login", self._answers, ["Continue"])
        assert page.url == f"{worker}/"

    def sign_out_at(self, provider: OidcProvider) -> None:
        """Sign out at the provider, which tells the application."""
        page = self.browser.open(f"{provider.issuer}/session/end")
        # The buttons stand outside of the form and name it by their `form` attribute.
        page.forms[0].buttons.append(Button("logout", "yes", "Yes, sign me out"))
        assert self.browser.submit(page, {"logout": "yes"}).status == 200

    @property
    def known_at(self) -> list[str | None]:
        """Whom each of the workers takes them for."""
        return [self.browser.open(f"{url}/who").response.json()["sub"] for url in self._workers]


@pytest.fixture
def make_people(
    oidc_provider: OidcProvider, start_workers: StartWorkers
) -> Iterator[Callable[..., list[Person]]]:
    """Registers the application, starts its workers, and signs three people in."""
    people: list[Person] = []

    def make(names: list[str], **metadata: Any) -> list[Person]:
        workers = start_workers(oidc_provider.issuer, "web", SECRET)
        oidc_provider.add_client(
            "web",
            client_secret=SECRET,
            redirect_uris=[f"{url}/auth/callback/demo" for url in workers],
            post_logout_redirect_uris=[f"{url}/auth/logout/callback" for url in workers],
            backchannel_logout_uri=f"{workers[0]}/auth/backchannel-logout/demo",
            **metadata,
        )
        for number, name in enumerate(names):
            person = Person(workers, name)
            people.append(person)
            person.sign_in(workers[number])
            assert person.known_at == [name] * WORKERS
        return people

    yield make
    for person in people:
        person.browser.close()


def test_session_ended_at_the_provider_is_over_at_every_worker(
    oidc_provider: OidcProvider, make_people: Callable[..., list[Person]]
) -> None:
    names = ["alice", "alice", "bob"]
    people = make_people(names, backchannel_logout_session_required=True)
    people[0].sign_out_at(oidc_provider)

    assert [person.known_at for person in people] == [
        [None] * WORKERS,
        ["alice"] * WORKERS,
        ["bob"] * WORKERS,
    ]


def test_user_signed_out_at_the_provider_is_out_in_every_browser_at_every_worker(
    oidc_provider: OidcProvider, make_people: Callable[..., list[Person]]
) -> None:
    # This client wants no session named, so the provider names the user.
    people = make_people(["alice", "alice", "alice"])
    people[0].sign_out_at(oidc_provider)

    assert [person.known_at for person in people] == [[None] * WORKERS] * 3
    people[1].sign_in(people[1]._workers[3])  # in the same second
    assert people[1].known_at == ["alice"] * WORKERS


def test_token_that_reaches_all_workers_at_once_is_taken_once(
    start_workers: StartWorkers, provider_keys: KeyRing
) -> None:
    op = DevelopmentProvider(keys=provider_keys)
    with op.serve():
        workers = start_workers(op.issuer, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET)

        def tell(url: str, token: str) -> int:
            with requests.Session() as http:
                http.trust_env = False
                answer = http.post(
                    f"{url}/auth/backchannel-logout/demo", {"logout_token": token}, timeout=30
                )
                return answer.status_code

        with ThreadPoolExecutor(2 * WORKERS) as servers:
            for _ in range(5):
                token = logout_token(op, aud=DEMO_CLIENT_ID, sub="alice")
                told = list(servers.map(tell, workers * 2, [token] * 2 * WORKERS))
                assert Counter(told) == {200: 1, 400: 2 * WORKERS - 1}
