"""A provider tells that somebody has signed out there (Back-Channel Logout 1.0)."""

from __future__ import annotations

import logging
import time
from typing import Any

import cachelib
import flask_wtf
import pytest

from flask_oauthclient.flask_client import signals
from flask_oauthclient.protocol.oidc.logout_token import EVENT
from flask_oauthclient.sign_in.signed_in import KEY
from flask_oauthclient.testing.provider import DevelopmentProvider

from ._people import ABSENT
from ._people import Make
from ._people import PeopleSite
from ._people import Unreliable
from ._people import logout_token
from ._site import ORIGIN


@pytest.fixture
def people(make_people_site: Make) -> PeopleSite:
    """A site with a cache in the process."""
    return make_people_site(cache=cachelib.SimpleCache())


# -- whose sessions end --------------------------------------------------------------------


def test_l01_oidcc_client_test_rp_backchannel_rpinitlogout(place: PeopleSite) -> None:
    here, there, other = place.signed_in(), place.signed_in(), place.signed_in("bob")
    answer = place.tell(place.token(sid=here.sid))

    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Cache-Control"] == "no-store"
    assert [p.is_in for p in (here, there, other)] == [False, True, True]
    assert here.session == {}


def test_l02_by_sub_all_sessions_of_the_user_end(place: PeopleSite) -> None:
    alice, bob = [place.signed_in() for _ in range(3)], place.signed_in("bob")
    assert place.tell(place.token(sub="alice")).status_code == 200

    assert [person.is_in for person in alice] == [False] * 3
    assert bob.is_in


def test_sub_and_sid_mean_that_session_of_that_user(place: PeopleSite) -> None:
    here, there = place.signed_in(), place.signed_in()
    assert place.tell(place.token(sub="alice", sid=here.sid)).status_code == 200

    assert (here.is_in, there.is_in) == (False, True)


def test_l20_sid_of_another_user_with_our_sub(place: PeopleSite) -> None:
    alice, bob = place.signed_in(), place.signed_in("bob")
    assert place.tell(place.token(sub="bob", sid=alice.sid)).status_code == 200

    assert (alice.is_in, bob.is_in) == (True, True)


@pytest.mark.parametrize("target", [{"sid": "nobody-knows"}, {"sub": "nobody"}])
def test_l10_what_is_unknown_ends_nothing(place: PeopleSite, target: dict[str, str]) -> None:
    alice = place.signed_in()
    assert place.tell(place.token(**target)).status_code == 200
    assert alice.is_in


def test_who_signs_in_afterwards_is_in_at_once(place: PeopleSite) -> None:
    # No pause: the mark and the sign-in fall into the same second.
    old = place.signed_in()
    for _ in range(3):
        assert place.tell(place.token(sub="alice")).status_code == 200
        new = place.signed_in()
        assert (old.is_in, new.is_in) == (False, True)
        old = new


def test_ended_session_stays_ended(place: PeopleSite) -> None:
    alice = place.signed_in()
    stolen = alice.cookie("session")
    place.tell(place.token(sub="alice"))
    for _ in range(2):
        thief = place.app.test_client()
        thief.set_cookie("session", stolen or "", domain="rp.test")
        assert thief.get("/who", base_url=ORIGIN).json == {}


def test_protected_page_asks_to_sign_in(people: PeopleSite) -> None:
    alice = people.signed_in()
    assert alice.open("/private").text == "the private page"
    people.tell(people.token(sid=alice.sid))
    client = people.app.test_client()
    client.set_cookie("session", alice.cookie("session") or "", domain="rp.test")
    answer = client.get("/private", base_url=ORIGIN)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/auth/login?next=/private")


# -- what is no logout token ---------------------------------------------------------------

BAD = {
    "oidcc-client-test-rp-backchannel-rpinitlogout-alg-none": {"header": {"alg": "none"}},
    "oidcc-client-test-rp-backchannel-rpinitlogout-no-event": {"events": ABSENT},
    "oidcc-client-test-rp-backchannel-rpinitlogout-with-nonce": {"nonce": "n"},
    "oidcc-client-test-rp-backchannel-rpinitlogout-wrong-alg": {"header": {"alg": "RS384"}},
    "oidcc-client-test-rp-backchannel-rpinitlogout-wrong-aud": {"aud": "rp1"},
    "oidcc-client-test-rp-backchannel-rpinitlogout-wrong-event": {
        "events": {EVENT.replace("backchannel-logout", "foobar"): {}}
    },
    "oidcc-client-test-rp-backchannel-rpinitlogout-wrong-iss": {"iss": "https://op.test/"},
    "L05-null": {"nonce": None},
    "L06-no-iat": {"iat": ABSENT},
    "L06-no-jti": {"jti": ABSENT},
    "L06-no-sub-and-no-sid": {"sub": ABSENT},
    "L06-exp-past": {"exp": int(time.time()) - 3600},
    "L04-event-is-no-object": {"events": {EVENT: "yes"}},
    "type-of-an-access-token": {"header": {"typ": "at+jwt"}},
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD.keys())
def test_bad_logout_token(people: PeopleSite, changes: dict[str, Any]) -> None:
    alice = people.signed_in()
    answer = people.tell(people.token(**{"sub": "alice", **changes}))

    assert answer.status_code == 400
    assert answer.json["error"] == "invalid_request"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    assert alice.is_in


def test_l08_id_token_is_no_logout_token(make_people_site: Make) -> None:
    site, tokens = make_people_site(token_in_signals=True), []

    def keep(sender: Any, token: Any, **_: Any) -> None:
        tokens.append(token["id_token"])

    with signals.login_succeeded.connected_to(keep, site.app):
        alice = site.signed_in()
    assert site.tell(tokens[0]).status_code == 400
    assert alice.is_in


def test_token_of_another_provider(people: PeopleSite) -> None:
    alice = people.signed_in()
    other = DevelopmentProvider("https://op.test")
    assert people.tell(logout_token(other, sub="alice")).status_code == 400
    assert alice.is_in


def test_l09_only_one_form_field_by_post(people: PeopleSite) -> None:
    alice, token = people.signed_in(), people.token(sub="alice")
    client, url = people.app.test_client(), f"{ORIGIN}/auth/backchannel-logout/demo"

    assert client.get(url, query_string={"logout_token": token}).status_code == 405
    assert client.post(url, query_string={"logout_token": token}).status_code == 400
    for more in (
        {"data": None, "json": {"logout_token": token}},
        {"data": {"logout_token": [token, token]}},
        {"data": {"logout_token": [token, ""]}},
        {"data": {}},
        {"data": {"logout_token": token}, "content_type": "multipart/form-data"},
        {"data": token, "content_type": "application/jwt"},
    ):
        assert people.tell(token, **more).status_code == 400
    assert alice.is_in
    assert people.tell(token).status_code == 200  # none of these has used it up
    assert not alice.is_in


def test_replayed_token_is_refused_and_ends_nothing_new(place: PeopleSite) -> None:
    token = place.token(sub="alice")
    assert place.tell(token).status_code == 200
    alice = place.signed_in()

    assert [place.tell(token).status_code for _ in range(3)] == [400] * 3
    assert alice.is_in


def test_unknown_provider_is_not_found(people: PeopleSite) -> None:
    assert people.tell(people.token(sub="alice"), "nobody").status_code == 404


def test_oauth1_client_has_no_such_thing(make_people_site: Make) -> None:
    site = make_people_site(
        more={
            "old": {
                "client_id": "x",
                "client_secret": "a secret of OAuth 1.0a",
                "request_token_url": "https://old.test/r",
                "authorize_url": "https://old.test/a",
                "access_token_url": "https://old.test/t",
            }
        }
    )
    assert site.tell(site.token(sub="alice"), "old").status_code == 400


# -- the call itself -----------------------------------------------------------------------


def test_l12_no_cookie_is_touched(people: PeopleSite) -> None:
    alice, bob = people.signed_in(), people.signed_in("bob")
    client = people.app.test_client()
    client.set_cookie("session", alice.cookie("session") or "", domain="rp.test")

    for token, status in ((people.token(sub="bob"), 200), ("garbage", 400)):
        answer = client.post(
            "/auth/backchannel-logout/demo", base_url=ORIGIN, data={"logout_token": token}
        )
        assert answer.status_code == status
        assert "Set-Cookie" not in answer.headers
    assert (alice.is_in, bob.is_in) == (True, False)


@pytest.mark.parametrize("protect_first", [True, False])
def test_l12_flask_wtf_lets_it_pass(provider: DevelopmentProvider, protect_first: bool) -> None:
    csrf = flask_wtf.CSRFProtect()

    class Protected(PeopleSite):
        def __init__(self) -> None:
            super().__init__(provider, cache=cachelib.SimpleCache())
            csrf.init_app(self.app)
            if protect_first:
                again = self.oauth.create_blueprint("again")
                self.app.register_blueprint(again, url_prefix="/again")

    site = Protected()
    alice, prefix = site.signed_in(), "/again" if protect_first else "/auth"
    answer = site.app.test_client().post(
        f"{prefix}/backchannel-logout/demo",
        base_url=ORIGIN,
        data={"logout_token": site.token(sub="alice")},
    )
    assert answer.status_code == 200
    assert not alice.is_in
    site.close()


def test_calls_from_anywhere_are_taken(people: PeopleSite) -> None:
    # Servers send no Origin; one that does is no browser to protect anybody from.
    answer = people.tell(people.token(sub="alice"), headers={"Origin": "https://op.test"})
    assert answer.status_code == 200


def test_signal_says_whom_the_provider_means(people: PeopleSite) -> None:
    heard: list[dict[str, Any]] = []
    with signals.logged_out.connected_to(lambda sender, **told: heard.append(told), people.app):
        people.tell(people.token(sub="alice", sid="s"))
        people.tell("garbage")
    assert heard == [
        {
            "name": "demo",
            "identity": None,
            "issuer": "https://op.test",
            "sub": "alice",
            "sid": "s",
        }
    ]


def test_new_keys_of_the_provider_are_fetched(people: PeopleSite) -> None:
    alice = people.signed_in()
    people.provider.keys = type(people.provider.keys)()  # others share the ring of this suite
    assert people.tell(people.token(sub="alice")).status_code == 200
    assert not alice.is_in


# -- when something is down ----------------------------------------------------------------


def test_cache_that_is_down_answers_503_and_may_be_told_again(make_people_site: Make) -> None:
    cache = Unreliable()
    site = make_people_site(cache=cache)
    alice, token = site.signed_in(), site.token(sub="alice")
    before = alice.cookie("session")
    cache.is_down = True
    answer = site.tell(token)
    cache.is_down = False

    assert (answer.status_code, answer.headers["Cache-Control"]) == (503, "no-store")
    assert alice.cookie("session") == before
    assert alice.is_in
    assert site.tell(token).status_code == 200
    assert not alice.is_in


def test_nobody_is_in_while_the_cache_is_down_and_nobody_is_out_for_good(
    make_people_site: Make, caplog: pytest.LogCaptureFixture
) -> None:
    cache = Unreliable()
    site = make_people_site(cache=cache)
    alice = site.signed_in()
    cache.is_down = True
    assert alice.who == {}
    assert KEY in alice.session
    cache.is_down = False

    assert alice.is_in
    assert any(record.levelno == logging.WARNING for record in caplog.records)


def test_provider_that_is_down_is_no_fault_of_the_token(people: PeopleSite) -> None:
    with people.provider.faults.on("discovery").respond(status=503):
        answer = people.tell(people.token(sub="alice"))
    assert answer.status_code == 503


# -- where it is remembered ----------------------------------------------------------------


def test_l13_without_a_cache_it_is_said_once(
    make_people_site: Make, caplog: pytest.LogCaptureFixture, provider: DevelopmentProvider
) -> None:
    supported = {"backchannel_logout_supported": True}
    with provider.faults.on("discovery").edit_json(lambda found: {**found, **supported}):
        site = make_people_site()
        for _ in range(2):
            site.signed_in()
    warnings = [r.getMessage() for r in caplog.records if "back-channel logout" in r.getMessage()]
    assert len(warnings) == 1
    assert "cache=RedisCache" in warnings[0]


def test_cache_that_fails_half_way_may_be_told_again(make_people_site: Make) -> None:
    class FailsOnce(Unreliable):
        fails = False

        def set(self, key: str, value: Any, timeout: int | None = None) -> bool | None:
            if self.fails:
                self.fails = False
                raise ConnectionError("the cache does not answer")
            return super().set(key, value, timeout)

    cache = FailsOnce()
    site = make_people_site(cache=cache)
    alice, token = site.signed_in(), site.token(sub="alice")
    cache.fails = True

    assert site.tell(token).status_code == 503
    assert site.tell(token).status_code == 200
    assert not alice.is_in


def test_marks_are_read_in_one_call(make_people_site: Make) -> None:
    class Counting(cachelib.SimpleCache):
        calls: list[tuple[str, ...]]

        def get_many(self, *keys: str) -> list[Any]:
            self.calls.append(keys)
            return super().get_many(*keys)

    cache = Counting()
    cache.calls = []
    alice = make_people_site(cache=cache).signed_in()
    cache.calls.clear()
    assert alice.open("/private").text == "the private page"

    [keys] = cache.calls
    # of the sign-in; of the user; of the session there; of the session of that user
    assert len(keys) == 4
    assert not any("alice" in key or alice.sid in key for key in keys)


def test_nothing_is_asked_for_visitors_and_files(make_people_site: Make) -> None:
    cache = Unreliable()
    site = make_people_site(cache=cache)
    alice = site.signed_in()
    cache.is_down = True
    assert site.person().open("/").status == 200
    assert alice.open("/auth/oauthclient/static/oauthclient.css").status == 200
