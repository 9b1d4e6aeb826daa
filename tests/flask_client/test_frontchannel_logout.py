"""A provider signs out in a frame of its own page (Front-Channel Logout 1.0)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flask_oauthclient.flask_client import signals

from ._people import Make
from ._people import PeopleSite
from ._people import Person
from ._people import Unreliable
from ._site import ISSUER
from ._site import ORIGIN

PATH = "/auth/frontchannel-logout/demo"
OTHER_ISSUER = "https://other.test"


@pytest.fixture
def cache() -> Unreliable:
    return Unreliable()


@pytest.fixture
def people(make_people_site: Make, cache: Unreliable) -> PeopleSite:
    """A site whose cache can be looked into."""
    return make_people_site(cache=cache)


def frame(site: PeopleSite, of: Person | None = None, **query: Any) -> Any:
    """Open the frame, with the cookies of somebody or with none, as ``SameSite=Lax`` has it."""
    client = site.app.test_client()
    if of is not None:
        client.set_cookie("session", of.cookie("session") or "", domain="rp.test")
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "iframe", "Referer": f"{ISSUER}/"}
    return client.get(PATH, base_url=ORIGIN, query_string=query, headers=headers)


def test_oidcc_client_test_rp_frontchannel_opinitlogout(place: PeopleSite) -> None:
    alice, there, bob = place.signed_in(), place.signed_in(), place.signed_in("bob")
    answer = frame(place, iss=ISSUER, sid=alice.sid)

    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert [p.is_in for p in (alice, there, bob)] == [False, True, True]


def test_l14_tokens_are_left_to_the_provider(people: PeopleSite) -> None:
    alice = people.signed_in()
    frame(people, iss=ISSUER, sid=alice.sid)
    assert not alice.is_in
    assert people.provider.log.count("revocation") == 0


def test_cookies_that_come_along_are_renewed_at_once(make_people_site: Make) -> None:
    site = make_people_site(config={"SESSION_COOKIE_SAMESITE": "None"})
    alice = site.signed_in()
    answer = frame(site, alice, iss=ISSUER, sid=alice.sid)

    [cookie] = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith("session=;")
    assert "SameSite=None" in cookie
    assert not alice.is_in


def test_cookies_of_another_session_stay(make_people_site: Make) -> None:
    site = make_people_site(config={"SESSION_COOKIE_SAMESITE": "None"})
    alice, bob = site.signed_in(), site.signed_in("bob")
    answer = frame(site, bob, iss=ISSUER, sid=alice.sid)

    assert "Set-Cookie" not in answer.headers
    assert (alice.is_in, bob.is_in) == (False, True)


def test_browser_is_signed_out_by_its_own_cookies_too(make_people_site: Make) -> None:
    # Another process, without a cache, has never heard of the session; but the cookie is here.
    alice = make_people_site().signed_in()
    other, heard = make_people_site(), []
    with signals.logged_out.connected_to(lambda sender, **told: heard.append(told), other.app):
        answer = frame(other, alice, iss=ISSUER, sid=alice.sid)
    assert answer.headers["Set-Cookie"].startswith("session=;")
    assert [told["sid"] for told in heard] == [alice.sid]


def test_new_sign_in_is_not_concerned(people: PeopleSite) -> None:
    alice = people.signed_in()
    sid = alice.sid
    frame(people, iss=ISSUER, sid=sid)
    alice.sign_in()
    assert alice.is_in
    frame(people, iss=ISSUER, sid=sid)  # a reload of the provider's page
    assert alice.is_in


BAD: dict[str, Any] = {
    "nothing": lambda sid: {},
    "no-iss": lambda sid: {"sid": sid},
    "no-sid": lambda sid: {"iss": ISSUER},
    "empty-sid": lambda sid: {"iss": ISSUER, "sid": ""},
    "empty-iss": lambda sid: {"iss": "", "sid": sid},
    "foreign-iss": lambda sid: {"iss": OTHER_ISSUER, "sid": sid},
    "iss-with-slash": lambda sid: {"iss": f"{ISSUER}/", "sid": sid},
    "iss-twice": lambda sid: {"iss": [ISSUER, OTHER_ISSUER], "sid": sid},
    "sid-twice": lambda sid: {"iss": ISSUER, "sid": [sid, "another"]},
    "L21-quote": lambda sid: {"iss": f"{ISSUER}'\"><script>", "sid": sid},
}


@pytest.mark.parametrize("query", BAD.values(), ids=BAD.keys())
def test_bad_frame_ends_nothing_and_writes_nothing(
    people: PeopleSite, cache: Unreliable, query: Callable[[str], dict[str, Any]]
) -> None:
    alice = people.signed_in()
    cache.written.clear()
    answer = frame(people, alice, **query(alice.sid))

    assert (answer.status_code, answer.data) == (400, b"")
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert cache.written == []
    assert alice.is_in


@pytest.mark.parametrize("sid", ["nobody-knows", "'\"><script>", "x" * 5000])
def test_unknown_session_writes_nothing(people: PeopleSite, cache: Unreliable, sid: str) -> None:
    alice = people.signed_in()
    cache.written.clear()
    answer = frame(people, alice, iss=ISSUER, sid=sid)

    assert answer.status_code == 200
    assert sid.encode() not in answer.data
    assert "Set-Cookie" not in answer.headers
    assert cache.written == []
    assert alice.is_in


def test_only_the_provider_may_show_it_in_a_frame(people: PeopleSite) -> None:
    alice = people.signed_in()
    headers = frame(people, iss=ISSUER, sid=alice.sid).headers

    [ancestors] = [
        part.split()
        for part in headers["Content-Security-Policy"].split("; ")
        if part.startswith("frame-ancestors")
    ]
    assert ancestors == ["frame-ancestors", "https://op.test:443"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_only_get(people: PeopleSite) -> None:
    alice = people.signed_in()
    answer = people.app.test_client().post(
        PATH, base_url=ORIGIN, query_string={"iss": ISSUER, "sid": alice.sid}
    )
    assert answer.status_code == 405
    assert alice.is_in


def test_unknown_provider_is_not_found(people: PeopleSite) -> None:
    answer = people.app.test_client().get(
        "/auth/frontchannel-logout/nobody", base_url=ORIGIN, query_string={"iss": ISSUER}
    )
    assert answer.status_code == 404


def test_client_that_knows_no_issuer(make_people_site: Make) -> None:
    other = {
        "client_id": "x",
        "authorize_url": "https://x.test/a",
        "access_token_url": "https://x.test/t",
    }
    site = make_people_site(more={"other": other})
    answer = site.app.test_client().get(
        "/auth/frontchannel-logout/other", base_url=ORIGIN, query_string={"iss": "None", "sid": "s"}
    )
    assert answer.status_code == 400


def test_cache_that_is_down(people: PeopleSite, cache: Unreliable) -> None:
    alice = people.signed_in()
    cache.is_down = True
    answer = frame(people, iss=ISSUER, sid=alice.sid)
    cache.is_down = False

    assert (answer.status_code, answer.data) == (503, b"")
    assert alice.is_in


def test_signal_is_sent_once(people: PeopleSite) -> None:
    alice = people.signed_in()
    sid, heard = alice.sid, []
    with signals.logged_out.connected_to(lambda sender, **told: heard.append(told), people.app):
        frame(people, alice, iss=ISSUER, sid=sid)
        frame(people, iss=ISSUER, sid=sid)
        frame(people, iss=ISSUER, sid="another")
    told = {"name": "demo", "identity": None, "issuer": ISSUER, "sub": None, "sid": sid}
    assert heard == [told]
