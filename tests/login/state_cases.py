"""Rows S01 to S12: what a callback's state can be, and whose."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

from flask_oauthclient.storage import cache as one_time
from flask_oauthclient.storage.sealing import Sealer
from flask_oauthclient.storage.state_value import make_state
from flask_oauthclient.testing.browser import Visit
from tests.helpers.cases import Cases
from tests.helpers.rejection import assert_rejected
from tests.helpers.site import ISSUER
from tests.helpers.site import SECRET_KEY
from tests.helpers.site import Site
from tests.helpers.urls import query_of
from tests.helpers.urls import state_of
from tests.helpers.urls import with_params
from tests.helpers.world import World

CACHES = ("none", "simple", "files", "redis", "memcached")
FIRST_LOGIN = ("/token", "/jwks")

cases = Cases()


@cases.rows("S01", {"absent": None, "empty": ""})
def callback_without_state(world: World, state: str | None) -> None:
    site = world.make_site()
    visit = site.begin()
    assert_rejected(site, with_params(visit, state=state), "missing_state", kept=True)
    assert site.finish(visit).status_code == 200


@cases.row("S01-twice")
def callback_with_two_states(world: World) -> None:
    site = world.make_site()
    visit = site.begin()
    twice = Visit("GET", f"{visit.url}&state={state_of(visit)}")
    assert_rejected(site, twice, "missing_state", kept=True)


@cases.rows(
    "S02",
    {
        "of-our-length": "x" * 30,
        "short": "x",
        "long": "x" * 10_000,
        "not-ascii": "\u00e9" * 30,
        "nul": "\x00" * 30,
        "digits-of-another-script": "\u0663" * 30,
        "key-of-the-session": "user",
        "quotes": "'\"<>;\r\n",
    },
)
def unknown_state(world: World, state: str) -> None:
    site = world.make_site()
    visit = site.begin()
    assert_rejected(site, with_params(visit, state=state), "mismatching_state", kept=True)
    assert site.finish(visit).status_code == 200


@cases.rows("S03", CACHES)
def state_of_the_attacker_in_the_browser_of_the_victim(world: World, cache: str) -> None:
    site = world.make_site(cache=world.make_cache(cache))
    visit = site.begin()
    with site.visited_by(site.new_browser()):
        assert_rejected(site, visit, "state_lost", kept=True)
        site.begin()  # now the victim has a pending login of their own
        assert_rejected(site, visit, "state_foreign", kept=True)
        site.login()
        assert_rejected(site, visit, "state_foreign", kept=True)
    # What somebody else tries doesn't use up the login.
    assert site.finish(visit).status_code == 200


@cases.row("S04")
def state_that_is_signed_but_pending_nowhere(world: World) -> None:
    site = world.make_site()
    key = Sealer([SECRET_KEY]).mac_keys[0]
    state = make_state(key, "demo", site.host, time.time())
    visit = with_params(site.begin(), state=state)
    assert_rejected(site, visit, "state_foreign", kept=True)


@cases.rows("S05", CACHES)
def callback_twice(world: World, cache: str) -> None:
    site = world.make_site(cache=world.make_cache(cache))
    visit = site.begin()
    cookies = site.cookie_header()
    assert site.finish(visit).status_code == 200
    assert_rejected(site, visit, "state_used")
    # Nor does it help to bring back the cookies of before.
    site.outbound.clear()
    assert site.send_with(cookies, visit.url).text == "state_used"
    assert site.outbound.paths == []


@cases.rows("S05-failed-at-token-endpoint", CACHES)
def callback_twice_after_a_failure(world: World, cache: str) -> None:
    site = world.make_site(cache=world.make_cache(cache))
    visit = site.begin()
    with world.provider.faults.on("token").respond(status=503):
        assert_rejected(site, visit, "provider_unavailable", sent=["/token"])
    assert_rejected(site, visit, "state_used")


@cases.rows("S05-in-two-processes", CACHES[1:])
def callback_at_two_servers_with_one_cache(world: World, cache: str) -> None:
    shared = world.make_cache(cache)
    site = world.make_site(cache=shared)
    twin = world.make_site(cache=shared, browser=site.browser)
    visit = site.begin()
    cookies = site.cookie_header()
    assert twin.send_with(cookies, visit.url).status_code == 200
    assert site.send_with(cookies, visit.url).text == "state_used"
    assert "/token" not in site.outbound.paths


@cases.rows("S06", CACHES)
def callback_in_threads_at_once(world: World, cache: str) -> None:
    site = world.make_site(cache=world.make_cache(cache))
    visit = site.begin()
    cookies, answers = site.cookie_header(), Counter[str]()
    barrier = threading.Barrier(4)

    def go() -> None:
        barrier.wait()
        response = site.send_with(cookies, visit.url)
        answers["ok" if response.status_code == 200 else response.text] += 1

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {"ok": 1, "state_used": 3}
    assert world.provider.log.count("token") == 1


@cases.rows("S06-in-between", CACHES[1:])
def second_callback_while_the_first_has_taken_the_login(world: World, cache: str) -> None:
    site = world.make_site(cache=world.make_cache(cache))
    visit = site.begin()
    cookies, second = site.cookie_header(), []
    take = one_time.take

    def take_and_be_interrupted(*args: Any) -> Any:
        taken = take(*args)
        if not second:
            second.append("now")
            second.append(site.send_with(cookies, visit.url).text)
        return taken

    world.patch.setattr(one_time, "take", take_and_be_interrupted)
    assert site.send_with(cookies, visit.url).status_code == 200
    assert second == ["now", "state_used"]
    assert world.provider.log.count("token") == 1


@cases.rows("S08", CACHES)
def two_tabs(world: World, cache: str) -> None:
    site = world.make_site(cache=world.make_cache(cache))
    first, second = site.begin(), site.begin()
    assert site.finish(first).status_code == 200
    assert site.finish(second).status_code == 200
    assert site.pending() == []


@cases.rows("S08-loaded-at-once", CACHES)
def eight_tabs_that_overwrite_each_others_session(world: World, cache: str) -> None:
    site = world.make_site(cache=world.make_cache(cache))
    visits = site.begin_at_once(8)
    assert len(site.pending()) == 1
    assert len(site.login_cookies()) == 8
    for visit in (*visits[::2], *visits[1::2]):
        assert site.finish(visit).status_code == 200
    assert site.login_cookies() == {}


@cases.rows("S09", CACHES)
def two_logins_with_places_to_go(world: World, cache: str) -> None:
    site = world.make_site(cache=world.make_cache(cache))
    first = site.begin(extra={"next": "/one"})
    second = site.begin(extra={"next": "/two"})
    assert site.finish(second).json()["extra"] == {"next": "/two"}
    assert site.finish(first).json()["extra"] == {"next": "/one"}


@cases.rows("S10", CACHES)
def state_of_one_client_at_the_callback_of_another(world: World, cache: str) -> None:
    other = type(world.provider)("https://other.test", keys=world.provider.keys)
    site = world.make_site({"demo": world.provider, "other": other}, cache=world.make_cache(cache))
    visit = site.begin("demo")
    moved = Visit("GET", visit.url.replace("/callback/demo", "/callback/other"))
    assert_rejected(site, moved, "mismatching_state", kept=True)
    # Nor with the other one's own issuer in it, which is how a mix-up looks.
    assert_rejected(site, with_params(moved, iss=other.issuer), "mismatching_state", kept=True)
    assert other.log.count("token") == 0
    assert_rejected(site, with_params(visit, iss=other.issuer), "mismatching_iss")
    assert visit.url.startswith(site.callback_url("demo"))
    assert query_of(visit.url)["iss"] == [ISSUER]


@cases.row("S11")
def ten_thousand_states(world: World) -> None:
    site, asked = world.make_site(), []
    source = __import__("secrets").token_bytes

    def token_bytes(count: int) -> bytes:
        asked.append(count)
        return bytes(source(count))

    world.patch.setattr("flask_oauthclient.protocol.random.secrets.token_bytes", token_bytes)
    with site.in_request() as client:
        states = [client.framework.new_state() for _ in range(10_000)]
    # 22 characters of 62 kinds are 131 bits; the eight that follow explain the state.
    assert len({state[:22] for state in states}) == 10_000
    assert all(len(state) == 30 and state.isascii() and state.isalnum() for state in states)
    assert len(asked) >= 10_000
    assert sum(asked) >= 10_000 * 22


@cases.row("S12-state")
def one_bit_of_the_state_flipped(world: World) -> None:
    site = world.make_site()
    visit = site.begin()
    state, cookies = state_of(visit), site.cookie_header()
    for place, character in enumerate(state):
        flipped = state[:place] + chr(ord(character) ^ 1) + state[place + 1 :]
        response = site.send_with(cookies, with_params(visit, state=flipped).url)
        assert response.text in ("mismatching_state", "state_foreign", "state_other_host")
    assert site.outbound.paths == ["/.well-known/openid-configuration"]
    assert site.finish(visit).status_code == 200


@cases.row("S12-cookie")
def one_bit_of_the_cookie_flipped(world: World) -> None:
    site = world.make_site()
    visit = site.begin()
    ((name, value),) = site.login_cookies().items()
    for place, character in enumerate(value):
        flipped = value[:place] + chr(ord(character) ^ 1) + value[place + 1 :]
        assert _with_cookie(site, visit, name, flipped) in ("state_foreign", "state_expired")
    for other in ("", "used", value[:-1], value + "A", value.upper(), "0." + value, "."):
        assert _with_cookie(site, visit, name, other).startswith("state_")
    assert site.outbound.paths == ["/.well-known/openid-configuration"]
    assert site.finish(visit).status_code == 200


def _with_cookie(site: Site, visit: Visit, name: str, value: str) -> str:
    """The answer to a callback with nothing but one cookie."""
    return site.send_with(f"{name}={value}", visit.url).text
