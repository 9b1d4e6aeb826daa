"""Metadata and keys of a real provider, over real sockets (rows J01-J06, J12-J21)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask
from werkzeug.test import Client

from flask_oauthclient import OAuth
from flask_oauthclient import OAuthError
from flask_oauthclient.testing.provider import DEMO_CLIENT_ID
from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import SigningKey
from tests.protocol._keys import compact
from tests.registry.test_documents_threads import SOON
from tests.registry.test_documents_threads import at_once

NONCE = "nonce-of-the-test"


class Party:
    """An application that logs in at a provider on this machine."""

    def __init__(self, op: DevelopmentProvider, **options: Any) -> None:
        self.op = op
        self.app = Flask("party")
        self.app.config.update(SECRET_KEY="secret-key-of-the-party", TESTING=True)
        self.oauth = OAuth(self.app)
        self.oauth.register(
            "demo",
            client_id=DEMO_CLIENT_ID,
            client_secret=DEMO_CLIENT_SECRET,
            client_kwargs={"scope": "openid"},
            **{"issuer": op.issuer, **options},
        )
        self.app.add_url_rule("/login", view_func=self._login)
        self.app.add_url_rule("/callback", view_func=self._callback)
        self.passed = 0.0
        for document in (self.demo.server._document, self.demo.server._keys):
            document._clock = self._time

    def _time(self) -> float:
        return time.monotonic() + self.passed

    @property
    def demo(self) -> Any:
        """The client."""
        return self.oauth.demo

    def _login(self) -> Any:
        return self.demo.authorize_redirect("http://localhost/callback")

    def _callback(self) -> dict[str, Any]:
        try:
            return {"sub": self.demo.authorize_access_token()["userinfo"]["sub"]}
        except OAuthError as error:
            return {"error": error.error}

    def login(self) -> dict[str, Any]:
        """Log in with a browser of its own."""
        browser = Client(self.app)
        with requests.Session() as session:
            session.trust_env = False
            start = browser.get("/login").headers["Location"]
            back = session.get(start, allow_redirects=False).headers["Location"]
        return dict(browser.get(f"/callback?{urlsplit(back).query}").json)

    def verify(self, token: str) -> str:
        """Verify an ID token that came from anywhere; its subject, or the code of the error."""
        try:
            claims = self.demo.parse_id_token({"id_token": token}, nonce=NONCE)
        except OAuthError as error:
            return error.error
        return str(claims["sub"])

    def requests(self) -> tuple[int, int]:
        """How often metadata and keys were asked for."""
        return self.op.log.count("discovery"), self.op.log.count("jwks")


def token_of(
    op: DevelopmentProvider, key: SigningKey | None = None, alg: str = "ES256", **header: Any
) -> str:
    """An ID token of a provider, which did not come from its token endpoint."""
    key = key or op.keys.signing_key(alg)
    now = int(time.time())
    claims = {
        "iss": op.issuer,
        "sub": "alice",
        "aud": DEMO_CLIENT_ID,
        "exp": now + 300,
        "iat": now,
        "nonce": NONCE,
    }
    return compact({"alg": key.alg, "kid": key.kid, **header}, claims, key)  # type: ignore[arg-type]


@pytest.fixture
def op() -> Iterator[DevelopmentProvider]:
    """A provider that listens, at which Alice is signed in."""
    op = DevelopmentProvider()
    op.auto_sign_in = "alice"
    with op.serve():
        yield op


@pytest.fixture
def make_party(op: DevelopmentProvider) -> Iterator[Callable[..., Party]]:
    """Makes applications."""
    parties: list[Party] = []

    def make(provider: DevelopmentProvider = op, **options: Any) -> Party:
        parties.append(Party(provider, **options))
        return parties[-1]

    yield make
    for party in parties:
        party.demo.session.close()


@pytest.fixture
def party(make_party: Callable[..., Party]) -> Party:
    """An application that has not asked for anything yet."""
    return make_party()


def test_j01_32_cold_logins_ask_once_for_each_document(party: Party) -> None:
    outcomes = at_once(party.login)

    assert outcomes == [{"sub": "alice"}] * 32
    assert party.requests() == (1, 1)


def test_j01_32_cold_verifications_ask_once_for_each_document(party: Party) -> None:
    token = token_of(party.op)
    slow = party.op.faults.on("jwks").delay(0.05)

    assert at_once(lambda: party.verify(token)) == ["alice"] * 32

    assert slow.hits == 1
    assert party.requests() == (1, 1)


def test_j02_200_made_up_kids_cost_the_provider_little(party: Party) -> None:
    for number in range(200):
        assert party.verify(token_of(party.op, kid=f"made-up-{number}")) == "unknown_key"

    discovery, jwks = party.requests()
    assert discovery == 1
    assert jwks <= 5
    assert party.verify(token_of(party.op)) == "alice"
    assert party.login() == {"sub": "alice"}


def test_j02_made_up_kids_from_many_threads_cost_the_provider_little(party: Party) -> None:
    token = token_of(party.op, kid="made-up")

    for _ in range(3):
        assert at_once(lambda: party.verify(token)) == ["unknown_key"] * 32

    assert party.requests()[1] <= 5


@pytest.mark.parametrize("header", [{"kid": None}, {"kid": 5}, {"kid": ["x"]}, {"alg": "HS256"}])
def test_j02_other_junk_costs_the_provider_little(party: Party, header: dict[str, Any]) -> None:
    theirs = SigningKey.generate("ES256")
    for _ in range(30):
        assert party.verify(token_of(party.op, theirs, **header)) in (
            "bad_signature",
            "unknown_key",
            "unsupported_alg",
        )

    assert party.requests()[1] <= 5


def test_key_rotated_right_after_we_asked_costs_one_request(party: Party) -> None:
    assert party.login() == {"sub": "alice"}
    party.op.rotate_keys(keep_old=False)

    assert party.login() == {"sub": "alice"}
    assert party.login() == {"sub": "alice"}

    assert party.requests() == (1, 2)


def test_key_rotated_many_times_costs_one_request_each(party: Party) -> None:
    """More often than the budget for tokens from the open internet would allow."""
    for count in range(1, 6):
        assert party.login() == {"sub": "alice"}
        assert party.requests() == (1, count)
        party.op.rotate_keys(keep_old=count % 2 == 0)


def test_key_rotated_under_32_logins_at_once(party: Party) -> None:
    party.login()
    party.op.rotate_keys(keep_old=False)

    assert at_once(party.login) == [{"sub": "alice"}] * 32
    assert party.requests() == (1, 2)


def test_key_rotated_where_tokens_name_no_kid(party: Party) -> None:
    party.op.faults.on("id_token").edit_header(
        lambda header: {name: value for name, value in header.items() if name != "kid"}
    )
    assert party.login() == {"sub": "alice"}
    party.op.rotate_keys(keep_old=False)

    assert party.login() == {"sub": "alice"}
    assert party.requests() == (1, 2)


def test_rotated_key_from_the_open_internet_is_found_within_the_budget(party: Party) -> None:
    assert party.verify(token_of(party.op)) == "alice"
    party.op.rotate_keys()

    assert party.verify(token_of(party.op)) == "alice"
    assert party.requests() == (1, 2)


def test_login_after_the_budget_was_spent_by_others(party: Party) -> None:
    for number in range(10):
        party.verify(token_of(party.op, kid=f"made-up-{number}"))
    party.op.rotate_keys(keep_old=False)

    assert party.login() == {"sub": "alice"}


@pytest.mark.parametrize("failure", ["status", "drop", "garbage", "no-keys"])
def test_j04_keys_at_hand_serve_while_the_provider_is_down(party: Party, failure: str) -> None:
    token = token_of(party.op)
    assert party.verify(token) == "alice"
    fault = party.op.faults.on("jwks")
    {
        "status": lambda: fault.respond(status=503),
        "drop": lambda: fault.drop(),
        "garbage": lambda: fault.respond(body=b"<html>"),
        "no-keys": lambda: fault.respond_json({"keys": None}),
    }[failure]()

    for _ in range(3):
        party.passed += 3600
        assert party.verify(token) == "alice"
        assert party.verify(token_of(party.op, kid="made-up")) == "unknown_key"
    assert fault.hits >= 3

    fault.remove()
    party.passed += 3600
    party.op.rotate_keys(keep_old=False)
    assert party.verify(token_of(party.op)) == "alice"


def test_j04_empty_key_set_is_an_answer_and_takes_every_key_away(party: Party) -> None:
    token = token_of(party.op)
    assert party.verify(token) == "alice"
    party.op.faults.on("jwks").respond_json({"keys": []})
    party.passed += 3600

    assert party.verify(token) == "unknown_key"


def test_j05_without_keys_the_failure_is_typed_and_remembered(party: Party) -> None:
    fault = party.op.faults.on("jwks").respond(status=503)

    for _ in range(10):
        assert party.verify(token_of(party.op)) == "provider_unavailable"
    assert fault.hits == 1

    fault.remove()
    party.passed += 1
    assert party.verify(token_of(party.op)) == "alice"


def test_j05_without_metadata_the_failure_is_typed_and_remembered(party: Party) -> None:
    fault = party.op.faults.on("discovery").respond(status=503)

    for _ in range(10):
        assert party.verify(token_of(party.op)) == "provider_unavailable"
    assert fault.hits == 1

    fault.remove()
    party.passed += 1
    assert party.verify(token_of(party.op)) == "alice"


def test_j06_withdrawn_key_stops_verifying_within_its_time(party: Party) -> None:
    token = token_of(party.op)
    assert party.verify(token) == "alice"
    party.op.rotate_keys(keep_old=False)

    party.passed += 3599 - 60
    assert party.verify(token) == "alice"
    party.passed += 61
    assert party.verify(token) == "unknown_key"


def test_j12_endless_answer_is_cut_off(party: Party) -> None:
    party.op.faults.on("jwks").endless()

    assert party.verify(token_of(party.op)) == "response_too_large"


def test_j12_ten_thousand_keys_are_not_looked_at(party: Party) -> None:
    one = party.op.keys.document()["keys"][0]
    many = [{"kty": "oct", "kid": str(number), "k": "A" * 10} for number in range(10_000)]
    party.op.faults.on("jwks").respond_json({"keys": [*party.op.keys.document()["keys"], *many]})

    assert party.verify(token_of(party.op)) == "alice"
    assert one["kid"]


@pytest.mark.parametrize(
    "uri",
    ["file:///etc/passwd", "ftp://op.test/jwks", "data:application/json,{}", "http://op.test/jwks"],
)
def test_j13_keys_are_asked_for_over_https_only(party: Party, uri: str) -> None:
    party.op.faults.on("discovery").edit_json(lambda document: {**document, "jwks_uri": uri})

    assert party.verify(token_of(party.op)) == "invalid_metadata"
    assert party.requests()[1] == 0


@pytest.mark.parametrize("uri", ["file:///etc/passwd", "http://op.test/jwks", "gopher://op.test/"])
def test_j13_registered_key_address_is_judged_too(
    op: DevelopmentProvider, make_party: Callable[..., Party], uri: str
) -> None:
    party = make_party(jwks_uri=uri)

    assert party.verify(token_of(op)) in ("insecure_transport", "invalid_metadata")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_j14_redirect_is_refused(party: Party, status: int) -> None:
    party.op.faults.on("jwks").redirect(f"{party.op.issuer}/jwks?elsewhere", status)

    assert party.verify(token_of(party.op)) == "redirect_refused"
    assert [record.query for record in party.op.log.find("jwks")] == [{}]


def test_j16_unchanged_documents_are_not_sent_again(party: Party) -> None:
    party.verify(token_of(party.op))
    keys = party.demo.server.keys()

    for _ in range(2):
        party.passed += 3600
        assert party.verify(token_of(party.op)) == "alice"

    assert party.demo.server.keys() is keys
    assert [record.status for record in party.op.log.find("jwks")] == [200, 304, 304]
    assert [record.status for record in party.op.log.find("discovery")] == [200, 304, 304]


def test_j16_changed_keys_are_sent(party: Party) -> None:
    party.verify(token_of(party.op))
    party.op.rotate_keys()
    party.passed += 3600

    assert party.verify(token_of(party.op)) == "alice"
    assert [record.status for record in party.op.log.find("jwks")] == [200, 200]


def test_j17_documents_that_allow_no_keeping_are_kept_for_five_minutes(party: Party) -> None:
    party.op.jwks_cache_control = party.op.discovery_cache_control = "no-store, max-age=0"
    party.verify(token_of(party.op))
    party.passed += 290
    party.verify(token_of(party.op))
    assert party.requests() == (1, 1)

    party.passed += 10
    party.verify(token_of(party.op))
    assert party.requests() == (2, 2)


def test_j18_keys_belong_to_an_issuer(
    op: DevelopmentProvider, party: Party, make_party: Callable[..., Party]
) -> None:
    other = DevelopmentProvider()
    with other.serve():
        elsewhere = make_party(other)
        for alg in ("RS256", "ES256", "EdDSA"):
            theirs = other.keys.signing_key(alg)
            same_kid = op.keys.signing_key(alg).kid

            assert elsewhere.verify(token_of(other, alg=alg)) == "alice"
            assert party.verify(token_of(op, theirs)) == "unknown_key"
            assert party.verify(token_of(op, theirs, kid=same_kid)) == "bad_signature"
            assert party.verify(token_of(op, theirs, kid=None)) == "bad_signature"
            assert party.verify(token_of(other, alg=alg)) == "unknown_key"
            # Signed by the right provider, but in the name of the other.
            assert party.verify(token_of(other, op.keys.signing_key(alg))) == "invalid_claim"


def test_j21_keys_in_the_metadata_are_used_and_not_fetched(party: Party) -> None:
    keys = party.op.keys.document()
    party.op.faults.on("discovery").edit_json(lambda document: {**document, "jwks": keys})

    assert party.verify(token_of(party.op)) == "alice"
    assert party.verify(token_of(party.op, kid="made-up")) == "unknown_key"
    assert party.requests() == (1, 0)


def test_j21_keys_in_the_registration_are_used_and_not_fetched(
    op: DevelopmentProvider, make_party: Callable[..., Party]
) -> None:
    party = make_party(jwks=op.keys.document())

    assert party.login() == {"sub": "alice"}
    assert party.verify(token_of(op, kid="made-up")) == "unknown_key"
    assert party.requests() == (1, 0)


def test_forced_fetch_asks_again(party: Party) -> None:
    first = party.demo.fetch_jwk_set()
    assert party.demo.fetch_jwk_set() == first
    assert party.requests()[1] == 1
    party.op.rotate_keys()

    assert party.demo.fetch_jwk_set(force=True) != first
    assert party.requests()[1] == 2


def test_slow_provider_does_not_hold_up_those_who_have_keys(party: Party) -> None:
    token = token_of(party.op)
    assert party.verify(token) == "alice"
    party.passed += 3600
    fault = party.op.faults.on("jwks").delay(SOON)

    waiting = threading.Thread(target=party.verify, args=(token,))
    waiting.start()
    while not fault.hits:
        time.sleep(0.001)
    assert at_once(lambda: party.verify(token), 8) == ["alice"] * 8

    fault.remove()
    waiting.join(SOON)
    assert not waiting.is_alive()
