"""Rows S13 to S25: the places where pending logins are kept."""

from __future__ import annotations

from typing import Any

import redis
from cachelib import SimpleCache
from redis.backoff import NoBackoff
from redis.retry import Retry
from werkzeug.http import dump_cookie

from flask_oauthclient.testing.browser import Visit
from tests.helpers.cases import Cases
from tests.helpers.rejection import assert_rejected
from tests.helpers.site import SECRET_KEY
from tests.helpers.site import Site
from tests.helpers.urls import query_of
from tests.helpers.urls import state_of
from tests.helpers.world import World

from .state_cases import CACHES

cases = Cases()


@cases.rows("S13", ("none", "simple"))
def a_thousand_abandoned_logins(world: World, cache: str) -> None:
    site = world.make_site(cache=world.make_cache(cache))
    locations = []
    for _ in range(1000):
        locations.append(site.browser.send(Visit("GET", site.login_url())).headers["Location"])
        assert len(site.cookie_header()) < 4093 + 2048
    assert len(_cookie(site, "session")) < 2048
    assert len(site.login_cookies()) == 8
    oldest = {query_of(url)["state"][0] for url in locations[:-8]}
    assert not any(state in key for state in oldest for key in site.pending())
    for url in locations[-8:]:
        visit = site.browser.sign_in(url, stop_before=site.callback_url()).history[-1]
        assert site.finish(visit).status_code == 200


def _cookie(site: Site, name: str) -> str:
    value = next(c.value for c in site.browser.cookies if c.name == name)
    return dump_cookie(name, value or "", secure=True, httponly=True, samesite="Lax")


@cases.row("S14")
def logins_without_cookies_cost_no_memory(world: World) -> None:
    site = world.make_site()
    for _ in range(300):
        site.send_with("", site.login_url())
    state = site.client().framework._state
    assert len(state.logins._spent._until) == 0
    assert state.logins._cache is None


@cases.row("S14-simple")
def logins_without_cookies_push_each_other_out(world: World) -> None:
    cache = SimpleCache(threshold=50)
    site = world.make_site(cache=cache)
    for _ in range(300):
        site.send_with("", site.login_url())
    assert len(cache._cache) <= 51


@cases.row("S14-redis")
def logins_without_cookies_expire(world: World) -> None:
    cache = world.make_cache("redis")
    cache._write_client.flushall()
    site = world.make_site(cache=cache)
    for _ in range(50):
        site.send_with("", site.login_url())
    keys = cache._read_client.keys()
    assert len(keys) == 50
    assert all(0 < cache._read_client.ttl(key) <= 600 for key in keys)


MALFORMED: dict[str, Any] = {
    "text": "text",
    "number": 42,
    "list": [1, 2],
    "true": True,
    "empty": {},
    "no-data": {"exp": 4e9},
    "data-null": {"data": None},
    "data-text": {"data": "text"},
    "data-list": {"data": [["nonce", "n"]]},
    "redirect-uri-list": {"data": {"redirect_uri": ["https://rp.test"]}},
    "nonce-number": {"data": {"nonce": 5}},
    "nonce-list": {"data": {"nonce": ["n"]}},
    "verifier-object": {"data": {"code_verifier": {}}},
    "acr-text": {"data": {"acr": "1"}},
    "acr-values-text": {"data": {"acr": {"values": 5}}},
    "max-age-object": {"data": {"max_age": {}}},
    "mode-number": {"data": {"response_mode": 3}},
}


@cases.row("S16-null")
def entry_that_is_null(world: World) -> None:
    site = world.make_site()
    visit = site.put_pending("made-up-state", None)
    assert_rejected(site, visit, "mismatching_state")


@cases.rows("S16", MALFORMED)
def malformed_entry(world: World, entry: Any) -> None:
    site = world.make_site()
    visit = site.put_pending("made-up-state", entry)
    assert_rejected(site, visit, "state_unreadable")


@cases.rows("S16-exp", {"text": "soon", "list": [9e9], "null": None})
def malformed_expiry_counts_as_none(world: World, exp: Any) -> None:
    site = world.make_site()
    visit = site.put_pending("made-up-state", {"data": {"nonce": "n"}, "exp": exp})
    site.finish(visit)
    assert site.error.error == "invalid_grant"  # the code is made up, the entry is not at fault


TEXTS: dict[str, Any] = {
    "not-json": "{",
    "not-text": b"\xff\xfe",
    "null": "null",
    "list": "[]",
    "number": "5",
    "data-text": '{"data": "text"}',
    "nonce-number": '{"data": {"nonce": 5}}',
    "infinite": "[" * 100_000,
}


@cases.rows("S16-cache", TEXTS)
def malformed_text_in_the_cache(world: World, text: Any) -> None:
    site = world.make_site(cache=world.make_cache("simple"))
    visit = site.begin()
    site.oauth.cache.set(f"_state_demo_{state_of(visit)}", text)
    assert_rejected(site, visit, "state_unreadable")


@cases.rows("S16-cookie", {"not-json": b"{", "list": b"[]", "nonce": b'{"n":5}', "bytes": b"\xff"})
def malformed_content_of_the_cookie(world: World, content: bytes) -> None:
    """Nobody but an older or newer version of this package can have sealed it."""
    world.patch.setattr("flask_oauthclient.storage.login_cookie._write", lambda data: content)
    site = world.make_site()
    visit = site.begin()
    site.drop_cookies("session")
    assert_rejected(site, visit, "state_unreadable")


@cases.rows("S17", CACHES)
def secret_key_replaced_in_the_middle(world: World, cache: str) -> None:
    shared = world.make_cache(cache)
    site = world.make_site(cache=shared)
    visit = site.begin()
    renewed = world.make_site(cache=shared, secret_key="another key", browser=site.browser)
    error = assert_rejected(renewed, visit, "mismatching_state", kept=True)
    assert error.http_status == 400
    assert "Start the login again" in error.description


@cases.rows("S17-with-fallback", CACHES)
def secret_key_rotated_in_the_middle(world: World, cache: str) -> None:
    shared = world.make_cache(cache)
    site = world.make_site(cache=shared)
    tabs = site.begin_at_once(2)
    renewed = world.make_site(
        cache=shared,
        secret_key="another key",
        config={"SECRET_KEY_FALLBACKS": [SECRET_KEY]},
        browser=site.browser,
    )
    for visit in tabs:
        assert renewed.finish(visit).status_code == 200


@cases.rows("S18", CACHES)
def session_that_the_attacker_knew_stays_anonymous(world: World, cache: str) -> None:
    site = world.make_site(cache=world.make_cache(cache))
    with site.visited_by(site.new_browser()):
        site.begin()
        planted = next(c.value for c in site.browser.cookies if c.name == "session")
    site.browser.cookies.set("session", planted, domain=site.host, path="/")
    assert site.login().json()["user"] == "alice"
    copy = site.send_with(f"session={planted}", f"{site.origin}/session").json()
    assert "user" not in copy


@cases.rows(
    "S22",
    {
        "head": ("HEAD", {}),
        "prefetch": ("GET", {"Sec-Purpose": "prefetch"}),
        "prerender": ("GET", {"Sec-Purpose": "prefetch;prerender"}),
        "preview": ("GET", {"Sec-Purpose": "prefetch;anonymous-client-ip"}),
        "capitals": ("GET", {"Sec-Purpose": "Prefetch"}),
        "purpose": ("GET", {"Purpose": "prefetch"}),
        "x-moz": ("GET", {"X-Moz": "prefetch"}),
        "x-purpose": ("GET", {"X-Purpose": "preview"}),
    },
)
def request_that_is_no_visit(world: World, request: tuple[str, dict[str, str]]) -> None:
    site = world.make_site()
    visit, (method, headers) = site.begin(), request
    site.outbound.clear()
    answer = site.send_with(site.cookie_header(), visit.url, method, headers)
    assert (answer.status_code, site.error.error) in (
        (405, "method_not_allowed"),
        (site.error.http_status, "prefetch"),
    )
    assert "Set-Cookie" not in answer.headers
    assert site.outbound.paths == []
    assert site.finish(visit).status_code == 200


@cases.rows("S24", CACHES)
def names_that_begin_alike(world: World, cache: str) -> None:
    names = ("git", "git_hub", "github")
    site = world.make_site(dict.fromkeys(names, world.provider), cache=world.make_cache(cache))
    for name in names:
        other = names[names.index(name) - 1]
        visit = site.begin(name)
        moved = Visit("GET", visit.url.replace(f"/callback/{name}", f"/callback/{other}"))
        assert_rejected(site, moved, "mismatching_state", kept=True)
        assert site.finish(visit).status_code == 200


@cases.rows("S24-overlapping-keys", CACHES)
def names_and_states_with_one_key(world: World, cache: str) -> None:
    site = world.make_site(
        {"git": world.provider, "git_hub": world.provider}, cache=world.make_cache(cache)
    )
    long = site.begin("git_hub", state="x")
    moved = Visit("GET", long.url.replace("/callback/git_hub", "/callback/git"))
    short = Visit("GET", moved.url.replace("state=x", "state=hub_x"))
    assert_rejected(site, short, "mismatching_state", kept=True)
    first = site.begin("git", state="hub_x")
    second = site.begin("git_hub", state="x")
    site.outbound.clear()
    for visit in (first, second):
        site.finish(visit)
    # They share a place, so one or both give way; never is one taken for the other.
    codes = {error.error for error in site.errors[1:]}
    assert codes <= {"state_used", "state_unreadable"}
    assert site.outbound.paths.count("/token") == len(site.tokens)


class BrokenCache:
    """A cache that is down from some moment on."""

    def __init__(self, *, broken: bool) -> None:
        self.broken = broken
        self._cache = SimpleCache()

    def _check(self) -> None:
        if self.broken:
            raise ConnectionError("redis://:the-password@10.0.0.1 is down")

    def get(self, key: str) -> Any:
        self._check()
        return self._cache.get(key)

    def set(self, key: str, value: Any, timeout: Any = None) -> Any:
        self._check()
        return self._cache.set(key, value, timeout)

    def delete(self, key: str) -> Any:
        self._check()
        return self._cache.delete(key)


@cases.row("S25-login")
def store_down_at_the_login(world: World) -> None:
    world.watch.secret("the-password")
    site = world.make_site(cache=BrokenCache(broken=True))
    answer = site.browser.send(Visit("GET", site.login_url()))
    assert (answer.status_code, answer.text) == (503, "state_unavailable")
    assert site.login_cookies() == {}
    assert site.pending() == []


@cases.row("S25-login-not-kept")
def store_that_keeps_nothing(world: World) -> None:
    cache = BrokenCache(broken=False)
    world.patch.setattr(cache, "set", lambda *args: False)
    site = world.make_site(cache=cache)
    assert site.browser.send(Visit("GET", site.login_url())).status_code == 503


@cases.row("S25-callback")
def store_down_at_the_callback(world: World) -> None:
    world.watch.secret("the-password")
    cache = BrokenCache(broken=False)
    site = world.make_site(cache=cache)
    visit = site.begin()
    cache.broken = True
    error = assert_rejected(site, visit, "state_unavailable")
    assert error.http_status == 503


@cases.row("S25-redis-gone")
def redis_that_is_not_there(world: World) -> None:
    cache = world.make_cache("redis")
    site = world.make_site(cache=cache)
    visit = site.begin()
    gone = redis.Redis(port=1, retry=Retry(NoBackoff(), 0))
    world.patch.setattr(cache, "_write_client", gone)
    world.patch.setattr(cache, "_read_client", gone)
    assert_rejected(site, visit, "state_unavailable")
    assert site.browser.send(Visit("GET", site.login_url())).status_code == 503
