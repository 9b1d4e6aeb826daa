"""Whole logins at a real provider: in the session, in each cache, in tabs and between workers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from requests.cookies import extract_cookies_to_jar

from flask_oauthclient.protocol.oauth1.token import OAuth1Token
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.browser import Visit
from tests.helpers.leaks import Watch
from tests.helpers.urls import query_of

from ._site import ORIGIN
from ._site import Site
from .test_contract import REQUEST_TOKEN
from .test_contract import answering

CACHES = ("none", "simple", "files", "redis", "memcached")
METHODS = (
    *(f"{kind}-{name}" for kind in ("HMAC", "RSA") for name in ("SHA1", "SHA256", "SHA512")),
    "PLAINTEXT",
)

MakeSite = Callable[..., Site]


def kwargs_of(method: str, site_key: str) -> dict[str, Any]:
    return {
        "signature_method": method,
        **({"rsa_key": site_key} if method.startswith("RSA") else {}),
    }


def who(site: Site, **kwargs: Any) -> str:
    """Whom the API takes the caller for."""
    with site.app.test_request_context():
        user: str = site.client().get("echo", **kwargs).json()["user"]
    return user


@pytest.mark.parametrize("method", METHODS)
def test_login_and_api_call_with_every_signature_method(
    make_oauth1_site: MakeSite, oauth1_server: Any, method: str
) -> None:
    site = make_oauth1_site(
        register={"client_kwargs": kwargs_of(method, oauth1_server.rsa_key)},
        fetch_token=lambda name: site.tokens[-1],
    )
    token = site.login(user="bob")

    assert isinstance(token, OAuth1Token)
    assert {"oauth_token", "oauth_token_secret"} <= token.keys()
    assert who(site, token=token) == "bob"
    assert who(site, token=dict(token)) == "bob"
    assert who(site) == "bob"
    signed = {entry["signature_method"] for entry in site.server.log("/token")}
    assert signed == {method}


@pytest.mark.parametrize("placement", ["HEADER", "BODY"])
def test_parameters_can_stand_elsewhere(make_oauth1_site: MakeSite, placement: str) -> None:
    site = make_oauth1_site(register={"client_kwargs": {"signature_type": placement}})
    site.login()
    [entry] = site.server.log("/token")
    assert "oauth_signature" in entry["protocol"][placement.lower()]


@pytest.mark.parametrize("cache", CACHES)
def test_login_is_kept_until_the_callback_and_no_longer(
    make_oauth1_site: MakeSite, make_cache: Callable[[str], Any], cache: str
) -> None:
    kept = make_cache(cache)
    site = make_oauth1_site(cache=kept)
    callback = site.begin()
    [name] = query_of(callback)["oauth_token"]
    key = f"_state_demo_{name}"
    entry = site.session()[key]

    assert isinstance(entry["exp"], float)
    if kept is None:
        assert entry["data"].keys() == {"redirect_uri", "request_token"}
        assert entry["data"]["request_token"]["oauth_token"] == name
    else:
        assert entry.keys() == {"exp"}
    assert site.finish(callback).status_code == 200
    assert site.pending() == []
    assert kept is None or kept.get(key) is None
    assert who(site, token=site.tokens[-1]) == "alice"


@pytest.mark.parametrize("cache", CACHES)
def test_two_tabs_at_once(
    make_oauth1_site: MakeSite, make_cache: Callable[[str], Any], cache: str
) -> None:
    # Both start from the same cookies, and the second answer's session replaces the first's.
    site = make_oauth1_site(cache=make_cache(cache))
    before = site.cookie_header()
    answers = [site.send_with(before, f"{ORIGIN}/login/demo") for _ in range(2)]
    for answer in answers:
        extract_cookies_to_jar(site.browser.cookies, answer.request, answer.raw)  # type: ignore[no-untyped-call]
    assert len(site.pending()) == 1

    callbacks = [
        site.allow(answer.headers["Location"], user)
        for answer, user in zip(answers, ("alice", "bob"), strict=True)
    ]
    assert [site.finish(callback).status_code for callback in callbacks] == [200, 200]
    assert [who(site, token=token) for token in site.tokens] == ["alice", "bob"]


def test_two_tabs_one_after_the_other(oauth1_site: Site) -> None:
    first, second = oauth1_site.begin(user="alice"), oauth1_site.begin(user="bob")
    assert len(oauth1_site.pending()) == 2
    for callback in (second, first):
        assert oauth1_site.finish(callback).status_code == 200
    assert [who(oauth1_site, token=t) for t in oauth1_site.tokens] == ["bob", "alice"]


@pytest.mark.parametrize("cache", CACHES)
def test_callback_at_another_worker(
    make_oauth1_site: MakeSite, make_cache: Callable[[str], Any], cache: str
) -> None:
    shared = make_cache(cache)
    first = make_oauth1_site(cache=shared)
    callback = first.begin()
    second = make_oauth1_site(cache=shared, browser=first.browser)

    assert second.finish(callback).status_code == 200
    assert (first.line.paths, second.line.paths) == (["/initiate"], ["/token"])


@pytest.mark.parametrize("cache", CACHES[1:])
def test_two_workers_complete_a_login_once(
    make_oauth1_site: MakeSite, make_cache: Callable[[str], Any], cache: str
) -> None:
    shared = make_cache(cache)
    first = make_oauth1_site(cache=shared)
    callback = first.begin()
    cookies = first.cookie_header()
    second = make_oauth1_site(cache=shared, browser=first.browser)

    assert second.send_with(cookies, callback).status_code == 200
    assert first.send_with(cookies, callback).text == "state_used"
    assert first.line.paths == ["/initiate"]


@pytest.mark.parametrize("cache", CACHES)
def test_cookie_of_the_login_is_enough(
    make_oauth1_site: MakeSite, make_cache: Callable[[str], Any], cache: str
) -> None:
    site = make_oauth1_site(cache=make_cache(cache))
    callback = site.begin(extra={"next": "/basket"})
    site.drop_cookies("session")

    response = site.finish(callback)
    assert (response.status_code, response.json()) == (200, {"extra": {"next": "/basket"}})
    assert who(site, token=site.tokens[-1]) == "alice"


def test_session_is_enough(oauth1_site: Site) -> None:
    callback = oauth1_site.begin()
    oauth1_site.drop_cookies("oac_")
    assert oauth1_site.finish(callback).status_code == 200


@pytest.mark.parametrize("cache", CACHES)
def test_extra_comes_back(
    make_oauth1_site: MakeSite, make_cache: Callable[[str], Any], cache: str
) -> None:
    site = make_oauth1_site(cache=make_cache(cache))
    extra = {"next": "/grüße?a=1", "n": [1, None]}
    assert site.login(extra=extra)["extra"] == extra
    assert "extra" not in site.login()


def test_redirect_uri_has_a_default(make_oauth1_site: MakeSite) -> None:
    uri = f"{ORIGIN}/callback/demo?from=default"
    site = make_oauth1_site(register={"redirect_uri": uri})
    location = site.start(redirect_uri=None).headers["Location"]
    assert query_of(location)["oauth_callback"] == [uri]
    assert site.session()[site.pending()[0]]["data"]["redirect_uri"] == uri
    assert site.server.log("/initiate")[0]["callback"] == uri

    callback = site.allow(location)
    assert callback.startswith(uri + "&")
    assert site.finish(callback).status_code == 200


def test_redirect_uri_of_the_call_wins(make_oauth1_site: MakeSite) -> None:
    site = make_oauth1_site(register={"redirect_uri": f"{ORIGIN}/elsewhere"})
    site.login()
    assert site.server.log("/initiate")[0]["callback"] == site.callback_url()


def test_user_may_type_the_verifier_in(oauth1_site: Site, watch: Watch) -> None:
    client = oauth1_site.client()
    made = client.create_authorization_url("oob")
    verifier = oauth1_site.server.verifier(made["url"], "carol")
    watch.secret(verifier)
    token = client.fetch_access_token(made["request_token"], oauth_verifier=verifier)
    assert who(oauth1_site, token=token) == "carol"
    assert not watch.logged("plain http")


def test_plain_http_of_a_callback_is_warned_of(oauth1_site: Site, watch: Watch) -> None:
    oauth1_site.login()
    assert not watch.logged("plain http")  # on one machine it is fine
    client = oauth1_site.client()
    with answering(REQUEST_TOKEN, REQUEST_TOKEN):
        for _ in range(2):
            client.create_authorization_url("http://client.test/callback")
    assert watch.logged("ProxyFix")


def test_callback_goes_to_the_temporary_credentials_only(oauth1_site: Site) -> None:
    oauth1_site.login()
    [initiate], [token] = (oauth1_site.server.log(path) for path in ("/initiate", "/token"))
    assert initiate["protocol"]["header"].count("oauth_callback") == 1
    assert not {"oauth_token", "oauth_verifier"} & set(initiate["protocol"]["header"])
    assert "oauth_callback" not in token["protocol"]["header"]
    assert {"oauth_token", "oauth_verifier"} <= set(token["protocol"]["header"])


def test_parameters_of_the_authorization(make_oauth1_site: MakeSite) -> None:
    params = {"screen_name": "al", "lang": "de"}
    site = make_oauth1_site(register={"authorize_params": params})
    location = site.start(lang="fr", force_login="true", oauth_token="mine").headers["Location"]
    query = query_of(location)
    assert (query["screen_name"], query["lang"]) == (["al"], ["fr"])
    assert query["force_login"] == ["true"]
    [pending] = site.pending()
    assert query["oauth_token"] == [pending.removeprefix("_state_demo_")]
    assert params == {"screen_name": "al", "lang": "de"}


def test_the_page_of_the_provider_keeps_its_own_query(make_oauth1_site: MakeSite) -> None:
    site = make_oauth1_site()
    site.client().authorize_url = f"{site.server.authorize_url}?own=1"
    location = site.start().headers["Location"]
    assert query_of(location).keys() == {"own", "oauth_token", "oauth_callback"}


def test_parameters_of_the_request_for_temporary_credentials(make_oauth1_site: MakeSite) -> None:
    site = make_oauth1_site(
        register={
            "request_token_params": {
                "params": {"scope": "read write"},
                "data": {"x_auth": ["a", "b"]},
                "headers": {"X-Of-Ours": "1"},
                "realm": "photos",
                "timeout": 5,
            }
        }
    )
    for _ in range(2):
        site.login()
    [entry, _] = site.server.log("/initiate")
    assert (entry["query"], entry["form"], entry["realm"]) == (["scope"], ["x_auth"], "photos")
    assert site.line.requests[0].headers["X-Of-Ours"] == "1"
    assert site.server.log("/token")[0]["realm"] is None


def test_parameters_of_the_request_for_token_credentials(make_oauth1_site: MakeSite) -> None:
    site = make_oauth1_site(
        register={
            "access_token_params": {
                "params": {"format": "text"},
                "data": {"x_auth_mode": "web"},
                "headers": {"X-Of-Ours": "1"},
                "realm": "photos",
                "timeout": (2, 5),
            }
        }
    )
    for _ in range(2):
        site.login()
    [entry, _] = site.server.log("/token")
    assert (entry["query"], entry["form"]) == (["format"], ["x_auth_mode"])
    assert entry["realm"] == "photos"
    assert site.line.requests[1].headers["X-Of-Ours"] == "1"


def test_call_may_have_a_time_limit(make_oauth1_site: MakeSite) -> None:
    site = make_oauth1_site(register={"access_token_params": {"timeout": (2, 5)}})
    client, limits = site.client(), []
    with site.app.app_context():
        request_token = client._fetch_request_token("oob")
        verifier = site.server.verifier(
            f"{site.server.authorize_url}?oauth_token={request_token['oauth_token']}"
        )
        send = client.session.send
        client.session.send = lambda *args, **kwargs: (
            limits.append(tuple(kwargs["timeout"])) or send(*args, **kwargs)
        )
        client.fetch_access_token(request_token, oauth_verifier=verifier, timeout=(1, 3))
    assert limits == [(1, 3)]


def test_provider_has_no_say_in_what_only_the_application_adds(make_oauth1_site: MakeSite) -> None:
    site = make_oauth1_site()
    site.server.configure(token_fields={"extra": "https://evil.test", "userinfo": "admin"})
    token = site.login(extra={"next": "/home"})
    assert token["extra"] == {"next": "/home"}
    assert "userinfo" not in token


def test_realm_of_the_client_goes_everywhere(make_oauth1_site: MakeSite) -> None:
    site = make_oauth1_site(register={"client_kwargs": {"realm": "photos"}})
    token = site.login()
    who(site, token=token)
    assert {entry["realm"] for entry in site.server.log() if entry["path"] != "/authorize"} == {
        "photos"
    }


def test_provider_may_answer_otherwise(make_oauth1_site: MakeSite) -> None:
    site = make_oauth1_site()
    site.server.configure(status=201, json=True, token_fields={"screen_name": "al", "user_id": "7"})
    token = site.login()
    assert (token["screen_name"], token["user_id"]) == ("al", "7")
    site.watch.secret(token["oauth_token"], token["oauth_token_secret"])
    assert who(site, token=token) == "alice"


def test_token_of_the_request_is_at_hand(oauth1_site: Site) -> None:
    callback = oauth1_site.begin(redirect_uri=add_page_that_asks_who(oauth1_site))
    assert oauth1_site.visit(callback).text == "alice alice"


@pytest.mark.parametrize("http_method", ["get", "post", "put", "patch", "delete"])
def test_every_kind_of_api_call(oauth1_site: Site, http_method: str) -> None:
    token = oauth1_site.login()
    call = getattr(oauth1_site.client(), http_method)
    answer = call("echo", token=token, params={"q": ["ü", ""]}).json()
    assert (answer["user"], answer["method"]) == ("alice", http_method.upper())
    assert answer["query"] == [["q", "ü"], ["q", ""]]


def test_api_calls_with_a_body(oauth1_site: Site) -> None:
    token, client = oauth1_site.login(), oauth1_site.client()
    form = client.post("echo", token=token, data={"status": "grüße & 100%", "e": ""}).json()
    assert form["form"] == [["status", "grüße & 100%"], ["e", ""]]
    assert client.post("echo", token=token, json={"a": ["ü"]}).json()["json"] == {"a": ["ü"]}
    files = {"photo": ("a.txt", b"content", "text/plain")}
    uploaded = client.post("echo", token=token, data={"title": "t"}, files=files).json()
    assert uploaded["files"]["photo"]["text"] == "content"


def test_users_do_not_share_cookies_or_tokens(oauth1_site: Site) -> None:
    alice, bob = oauth1_site.login(user="alice"), oauth1_site.login(user="bob")
    assert who(oauth1_site, token=alice) == "alice"
    assert who(oauth1_site, token=bob) == "bob"
    assert oauth1_site.client().session.token == dict.fromkeys(
        ("oauth_token", "oauth_token_secret", "oauth_verifier")
    )


def test_many_users_at_once_keep_their_own_credentials(make_oauth1_site: MakeSite) -> None:
    # All of them use the one session of the client, from the first request to the last.
    count = 50
    site = make_oauth1_site()
    callback_url = add_page_that_asks_who(site)
    site.login_params = {"redirect_uri": callback_url}
    together, found = threading.Barrier(count), {}

    def log_in(user: str) -> None:
        with ScriptedBrowser({ORIGIN: site.app}) as browser:
            together.wait()
            start = browser.send(Visit("GET", f"{ORIGIN}/login/demo"))
            callback = site.allow(start.headers["Location"], user)
            found[user] = browser.send(Visit("GET", callback)).text

    users = [f"user{number}" for number in range(count)]
    threads = [threading.Thread(target=log_in, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == {user: f"{user} {user}" for user in users}
    log = [entry for entry in site.server.log() if entry["path"] != "/authorize"]
    assert {entry["status"] for entry in log} == {200}
    assert len({entry["nonce"] for entry in log}) == len(log) == 4 * count


def add_page_that_asks_who(site: Site) -> str:
    """Add a callback that calls the API twice, once with the current token."""

    @site.app.get("/callback/demo/who")
    def page() -> str:
        client = site.client()
        token = client.authorize_access_token()
        answers = [client.get("echo").json(), client.get("echo", token=dict(token)).json()]
        return " ".join(answer["user"] for answer in answers)

    return f"{ORIGIN}/callback/demo/who"
