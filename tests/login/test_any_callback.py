"""Whatever a browser brings to the redirect URI: a login, or an error of ours, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from flask_oauthclient import OAuthError
from flask_oauthclient.testing.browser import Visit
from tests.helpers.site import Site
from tests.helpers.urls import state_of

NAMES = ("state", "code", "iss", "error", "error_description", "error_uri", "response", "x")
VALUES = st.one_of(st.text(max_size=40), st.sampled_from(["STATE", "https://op.test", "", "used"]))
COOKIE_CHARACTERS = st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=';",\\')
PAIRS = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=8)
# The site is the same for all examples on purpose: what came before must not matter.
many = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(params=["none", "simple"])
def kept_in(
    request: pytest.FixtureRequest,
    make_site: Callable[..., Site],
    make_cache: Callable[[str], object],
) -> Site:
    """A site that keeps its pending logins in the session, or in a cache."""
    return make_site(cache=make_cache(request.param))


@many
@given(pairs=PAIRS, posted=st.booleans(), foreign=st.booleans())
def test_any_parameters(
    kept_in: Site, pairs: list[tuple[str, str]], posted: bool, foreign: bool
) -> None:
    site, before = kept_in, len(kept_in.errors)
    state = state_of(site.begin())
    sent = [(n, state if (n, v) == ("state", "STATE") else v) for n, v in pairs]
    place, initiator = site.callback_url(), "https://op.test/" if foreign else site.origin
    if posted:
        response = site.finish(Visit("POST", place, sent or [("y", "z")], initiator))
    else:
        response = site.finish(Visit("GET", f"{place}?{urlencode(sent)}"))
    assert 400 <= response.status_code < 503
    assert len(site.errors) == before + 1
    assert type(site.error) is not OAuthError
    assert site.error.description
    assert site.tokens == []


@many
@given(raw=st.binary(max_size=200))
def test_any_bytes(kept_in: Site, raw: bytes) -> None:
    site, before = kept_in, len(kept_in.errors)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    response = site.post_with(site.cookie_header(), site.callback_url(), raw, kind)
    assert 400 <= response.status_code < 503
    assert len(site.errors) == before + 1


@many
@given(
    value=st.text(
        st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=';",\\'), max_size=80
    )
)
def test_any_cookie(kept_in: Site, value: str) -> None:
    site = kept_in
    visit = site.begin()
    for name in ("session", *site.login_cookies()):
        answer = site.send_with(f"{name}={value}", visit.url)
        assert answer.status_code == 400
        assert answer.text.startswith(("state_", "mismatching_state"))
