"""What a callback must not do: rows O01 and O02 of the table of faults, and their like."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from flask_oauthclient.protocol.errors import AuthorizationError
from flask_oauthclient.protocol.errors import CallbackError
from flask_oauthclient.protocol.errors import MismatchingStateError
from flask_oauthclient.protocol.errors import MissingVerifierError
from flask_oauthclient.protocol.errors import ProviderResponseError
from flask_oauthclient.testing.browser import ScriptedBrowser
from tests.helpers.clock import Clock
from tests.helpers.urls import query_of

from ._site import ORIGIN
from ._site import Site

CACHES = ("none", "simple", "files", "redis", "memcached")
MakeSite = Callable[..., Site]


def with_query(callback: str, *more: tuple[str, str], without: tuple[str, ...] = ()) -> str:
    """Change the query of a callback."""
    base, _, _ = callback.partition("?")
    pairs = [
        (name, value)
        for name, values in query_of(callback).items()
        for value in values
        if name not in without
    ]
    return f"{base}?{urlencode([*pairs, *more])}"


# -- O01: a callback that is not confirmed -------------------------------------------------


@pytest.mark.parametrize("said", ["false", "", "0", "yes", "truetrue"])
def test_callback_that_is_not_confirmed(oauth1_site: Site, said: str) -> None:
    oauth1_site.server.configure(callback_confirmed=said)
    response = oauth1_site.start()
    assert (response.text, response.status_code) == ("callback_not_confirmed", 502)
    assert isinstance(oauth1_site.error, ProviderResponseError)
    assert oauth1_site.cookie_header() == ""


def test_callback_without_a_confirmation_warns_once(oauth1_site: Site) -> None:
    oauth1_site.server.configure(callback_confirmed=None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            oauth1_site.login()
    [warning] = caught
    assert warning.category is UserWarning
    assert "RFC 5849 section 2.1" in str(warning.message)


@pytest.mark.parametrize("said", [None, "false"])
def test_confirmation_can_be_required(make_oauth1_site: MakeSite, said: str | None) -> None:
    site = make_oauth1_site(register={"require_callback_confirmed": True})
    site.server.configure(callback_confirmed=said)
    assert site.start().text == "callback_not_confirmed"
    assert site.cookie_header() == ""
    site.server.configure(callback_confirmed="true")
    site.login()


# -- O02: whose oauth_token ----------------------------------------------------------------


@pytest.mark.parametrize(
    "token",
    ["x" * 30, "x", "x" * 10_000, "\u00e9" * 30, "\x00", "'\"<>;\r\n", "logged_in", "_state_demo_"],
    ids=["of-its-length", "short", "long", "not-ascii", "nul", "quotes", "key", "prefix"],
)
def test_token_that_nobody_knows(oauth1_site: Site, token: str) -> None:
    callback = oauth1_site.begin()
    changed = with_query(callback, ("oauth_token", token), without=("oauth_token",))
    error = oauth1_site.assert_rejected(changed, "mismatching_state", kept=True)
    assert error.description == 'Missing "request_token" in temporary data'
    assert isinstance(error, MismatchingStateError)
    assert oauth1_site.finish(callback).status_code == 200


@pytest.mark.parametrize("token", [None, ""])
def test_callback_without_a_token(oauth1_site: Site, token: str | None) -> None:
    callback = oauth1_site.begin()
    more = [] if token is None else [("oauth_token", token)]
    changed = with_query(callback, *more, without=("oauth_token",))
    oauth1_site.assert_rejected(changed, "missing_state", kept=True)
    assert oauth1_site.finish(callback).status_code == 200


@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("logged_in", [False, True])
def test_token_of_another_browser(
    make_oauth1_site: MakeSite, make_cache: Callable[[str], Any], cache: str, logged_in: bool
) -> None:
    # The fixation of 2009: the attacker lets the victim complete the attacker's login.
    site = make_oauth1_site(cache=make_cache(cache))
    callback = site.begin(user="attacker")
    attacker = site.browser
    with ScriptedBrowser({ORIGIN: site.app}) as site.browser:
        if logged_in:
            site.login(user="victim")
        site.assert_rejected(callback, "mismatching_state", kept=True)
        site.begin(user="victim")
        site.assert_rejected(callback, "mismatching_state", kept=True)
    site.browser = attacker
    assert site.finish(callback).status_code == 200


@pytest.mark.parametrize("cache", CACHES)
def test_token_of_another_client(
    make_oauth1_site: MakeSite, make_cache: Callable[[str], Any], cache: str
) -> None:
    site = make_oauth1_site(names=("demo", "other"), cache=make_cache(cache))
    callback = site.begin("demo")
    elsewhere = callback.replace("/callback/demo", "/callback/other")
    site.assert_rejected(elsewhere, "mismatching_state", kept=True)
    assert site.finish(callback).status_code == 200


def test_names_of_clients_that_run_into_each_other(make_oauth1_site: MakeSite) -> None:
    site = make_oauth1_site(names=("a", "a_b"))
    callback = site.begin("a_b")
    [name] = query_of(callback)["oauth_token"]
    confused = with_query(
        callback.replace("/a_b", "/a"), ("oauth_token", f"b_{name}"), without=("oauth_token",)
    )
    site.assert_rejected(confused, "mismatching_state", kept=True)
    assert site.finish(callback).status_code == 200


@pytest.mark.parametrize("cache", CACHES)
def test_callback_twice(
    make_oauth1_site: MakeSite, make_cache: Callable[[str], Any], cache: str
) -> None:
    site = make_oauth1_site(cache=make_cache(cache))
    callback = site.begin()
    cookies = site.cookie_header()
    assert site.finish(callback).status_code == 200
    site.assert_rejected(callback, "state_used")
    # Nor does it help to bring back the cookies of before.
    assert site.send_with(cookies, callback).text == "state_used"
    assert site.line.paths == ["/initiate", "/token"]


@pytest.mark.parametrize("cache", CACHES)
def test_callback_twice_at_the_same_moment(
    make_oauth1_site: MakeSite, make_cache: Callable[[str], Any], cache: str
) -> None:
    site = make_oauth1_site(cache=make_cache(cache))
    callback = site.begin()
    cookies, together = site.cookie_header(), threading.Barrier(6)
    answers: list[int] = []

    def visit() -> None:
        together.wait()
        answers.append(site.send_with(cookies, callback).status_code)

    threads = [threading.Thread(target=visit) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 400, 400, 400, 400, 400]
    assert site.line.paths.count("/token") == 1


def test_callback_again_after_the_provider_refused(oauth1_site: Site) -> None:
    callback = oauth1_site.begin()
    oauth1_site.server.answer_instead("/token", status=503, body="<p>so says the provider</p>")
    error = oauth1_site.assert_rejected(callback, "fetch_token_denied", sent=("/token",))
    assert "so says" not in f"{error} {error.detail}"
    oauth1_site.server.configure(answers={})
    oauth1_site.assert_rejected(callback, "state_used")


def test_login_that_took_too_long(oauth1_site: Site, clock: Clock) -> None:
    callback = oauth1_site.begin()
    clock.advance(601)
    oauth1_site.assert_rejected(callback, "state_expired")


@pytest.mark.parametrize(
    "data",
    [
        {"request_token": {"oauth_token": "b", "oauth_token_secret": "c"}},
        {"request_token": {"oauth_token": "a", "oauth_token_secret": ["c"]}},
        {"request_token": {"oauth_token": "a", "oauth_token_secret": "sealed.c"}},
        {"request_token": {"oauth_token_secret": "c"}},
        {"request_token": "a"},
        {"request_token": None},
        {"code_verifier": "of OAuth 2"},
    ],
    ids=["another", "no-text", "not-sealed-here", "no-token", "text", "null", "nothing"],
)
def test_kept_credentials_that_do_not_fit(oauth1_site: Site, data: dict[str, Any]) -> None:
    # Other things write to a session or cache as well.
    kept = {"_state_demo_a": {"data": data}}
    with (
        oauth1_site.in_request("/?oauth_token=a&oauth_verifier=v", kept) as client,
        pytest.raises(MismatchingStateError) as caught,
    ):
        client.authorize_access_token()
    assert caught.value.error == "state_unreadable"
    assert oauth1_site.line.paths == []


# -- what else a callback may be -----------------------------------------------------------


@pytest.mark.parametrize("verifier", [None, ""])
def test_callback_without_a_verifier(oauth1_site: Site, verifier: str | None) -> None:
    callback = oauth1_site.begin()
    more = [] if verifier is None else [("oauth_verifier", verifier)]
    changed = with_query(callback, *more, without=("oauth_verifier",))
    error = oauth1_site.assert_rejected(changed, "missing_verifier")
    assert isinstance(error, MissingVerifierError)
    oauth1_site.assert_rejected(callback, "state_used")


def test_verifier_of_somebody_else(oauth1_site: Site) -> None:
    first, second = oauth1_site.begin(), oauth1_site.begin()
    [verifier] = query_of(second)["oauth_verifier"]
    mixed = with_query(first, ("oauth_verifier", verifier), without=("oauth_verifier",))
    oauth1_site.assert_rejected(mixed, "fetch_token_denied", sent=("/token",))


@pytest.mark.parametrize("name", ["oauth_verifier", "oauth_problem", "denied"])
@pytest.mark.parametrize("same", [True, False])
def test_repeated_parameters(oauth1_site: Site, name: str, same: bool) -> None:
    callback = oauth1_site.begin()
    values = ("1", "1" if same else "2")
    changed = with_query(callback, *((name, value) for value in values))
    error = oauth1_site.assert_rejected(changed, "invalid_callback")
    assert isinstance(error, CallbackError)
    assert name in error.description


def test_repeated_token(oauth1_site: Site) -> None:
    callback = oauth1_site.begin()
    [name] = query_of(callback)["oauth_token"]
    for other in (name, "another"):
        changed = with_query(callback, ("oauth_token", other))
        oauth1_site.assert_rejected(changed, "missing_state", kept=True)
    assert oauth1_site.finish(callback).status_code == 200


def test_parameters_that_mean_nothing_here(oauth1_site: Site) -> None:
    callback = with_query(oauth1_site.begin(), ("state", "a"), ("state", "b"), ("code", "c"))
    assert oauth1_site.finish(callback).status_code == 200


def test_user_who_says_no(oauth1_site: Site) -> None:
    # This provider sends denied= in the place of oauth_token=.
    callback = oauth1_site.server.deny(oauth1_site.start().headers["Location"])
    assert query_of(callback).keys() == {"denied"}
    error = oauth1_site.assert_rejected(callback, "access_denied")
    assert isinstance(error, AuthorizationError)
    oauth1_site.assert_rejected(callback, "state_used")


def test_refusal_of_another_login(oauth1_site: Site) -> None:
    callback = oauth1_site.begin()
    refusal = with_query(callback, ("denied", "another"), without=("oauth_token", "oauth_verifier"))
    oauth1_site.assert_rejected(refusal, "mismatching_state", kept=True)
    assert oauth1_site.finish(callback).status_code == 200


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"oauth_problem": "user_refused"}, "access_denied"),
        ({"oauth_problem": "permission_denied"}, "access_denied"),
        ({"error": "access_denied", "error_description": "so says the provider"}, "access_denied"),
        ({"oauth_problem": "<script>", "oauth_problem_advice": "a\nb"}, "authorization_error"),
    ],
)
def test_problem(oauth1_site: Site, params: dict[str, str], code: str) -> None:
    # It counts, whatever else is there: token and verifier are in this callback, too.
    callback = with_query(oauth1_site.begin(), *params.items())
    error = oauth1_site.assert_rejected(callback, code)
    assert isinstance(error, AuthorizationError)
    assert not any(text in f"{error} {error.args}" for text in ("so says", "<script>"))
    assert "\n" not in str(error.detail)


def test_problem_of_the_extension(oauth1_site: Site) -> None:
    callback = with_query(oauth1_site.begin(), ("oauth_problem", "additional_authorization"))
    response = oauth1_site.finish(callback)
    assert (response.text, response.status_code) == ("additional_authorization", 400)
    assert oauth1_site.line.paths == ["/initiate"]


def test_prefetch_uses_nothing_up(oauth1_site: Site) -> None:
    callback = oauth1_site.begin()
    with (
        oauth1_site.in_request(callback, **{"Sec-Purpose": "prefetch"}) as client,
        pytest.raises(CallbackError) as caught,
    ):
        client.authorize_access_token()
    assert caught.value.error == "prefetch"
    assert oauth1_site.finish(callback).status_code == 200
