"""Cookies stay small enough for every browser and proxy, however many logins are begun."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from typing import Any

import pytest

from flask_oauthclient.testing.browser import Visit
from tests.helpers.site import Site

#: 60 characters, as applications have them.
REDIRECT_URI = "https://intranet.example-company.com/auth/callback/corporate"
SCOPE = "openid profile email address phone offline_access"
Make = Callable[..., Site]


def cookie_lines(site: Site, **params: Any) -> list[str]:
    """The whole ``Set-Cookie`` lines of the answer that begins a login."""
    site.login_params = {"redirect_uri": REDIRECT_URI, **params}
    answer = site.browser.send(Visit("GET", site.login_url()))
    lines = answer.raw.headers.getlist("Set-Cookie")
    assert answer.status_code == 302
    return [f"Set-Cookie: {line}" for line in lines if "Max-Age=0" not in line]


def noise(size: int) -> str:
    """Text that does not compress."""
    return "".join(random.choices(string.ascii_letters + string.digits, k=size))


def make(make_site: Make, cache: Any = None) -> Site:
    assert len(REDIRECT_URI) == 60
    return make_site(
        cache=cache,
        origin="https://intranet.example-company.com",
        register={"client_kwargs": {"scope": SCOPE}},
    )


@pytest.mark.parametrize("cache", ["none", "simple"])
def test_cookies_of_eight_pending_logins(
    make_site: Make, make_cache: Callable[[str], Any], cache: str
) -> None:
    site = make(make_site, make_cache(cache))
    for _ in range(12):
        *_, session, own = sorted(cookie_lines(site), key=lambda line: "oac_" in line)
        assert len(own) <= 400
        assert len(session) <= 2048
    assert len(site.pending()) == len(site.login_cookies()) == 8
    assert len(site.cookie_header()) <= 6144


@pytest.mark.parametrize("size", [10, 200, 1000, 1600])
def test_application_data_do_not_make_the_session_grow(make_site: Make, size: int) -> None:
    site = make(make_site)
    for _ in range(20):
        lines = cookie_lines(site, extra={"next": noise(size)})
        assert all(len(line) <= 4093 for line in lines)
        assert not any(len(line) > 2048 for line in lines if "session=" in line)
    assert len(site.cookie_header()) <= 6144


@pytest.mark.parametrize("size", [10, 200, 1000, 1600])
def test_application_data_of_any_size_come_back(site: Site, size: int) -> None:
    extra = {"next": noise(size)}
    assert site.login(extra=extra).json()["extra"] == extra


def test_data_that_fit_no_cookie_need_a_cache(
    make_site: Make, make_cache: Callable[[str], Any]
) -> None:
    site = make(make_site)
    site.login_params = {"redirect_uri": REDIRECT_URI, "extra": {"form": noise(4000)}}
    answer = site.browser.send(Visit("GET", site.login_url()))
    assert (answer.status_code, answer.text) == (500, "state_too_large")
    assert "Configure a cache" in site.error.description
    assert site.pending() == []

    cached = make(make_site, make_cache("simple"))
    assert cookie_lines(cached, extra={"form": noise(4000)})


def test_data_of_the_application_come_back_whole(site: Site) -> None:
    extra = {
        "next": "/a?b=c&d=e#f",
        "list": [1, None, True],
        "text": "\u4e16\u754c",
        "deep": {"x": {}},
    }
    assert site.login(extra=extra).json()["extra"] == extra


def test_marks_of_completed_logins_do_not_pile_up(site: Site) -> None:
    for _ in range(30):
        assert site.login().status_code == 200
        assert site.cookie_header().count("oac_") <= 9


def test_session_cookie_shows_no_token(site: Site) -> None:
    assert site.login().status_code == 200
    assert site.session() == {"user": "alice"}
