"""Who is signed in: what a login leaves in the session, and what the application says to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import flask
import pytest
from flask.sessions import SessionInterface
from flask.sessions import SessionMixin
from werkzeug.exceptions import Forbidden

from flask_oauthclient import LoginResult
from flask_oauthclient import OAuth
from flask_oauthclient import OAuthError
from flask_oauthclient import current_identity
from flask_oauthclient.flask_client import signals
from flask_oauthclient.sign_in.identity import MAX_BYTES
from flask_oauthclient.sign_in.signed_in import KEY
from flask_oauthclient.testing.browser import Page
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider

from ._site import ISSUER
from ._site import ORIGIN
from ._site import BlueprintSite

Make = Callable[..., BlueprintSite]
OTHER_ISSUER = "https://other.test"
#: A client of the same provider that knows nothing of OpenID Connect.
PLAIN = {
    "issuer": None,
    "authorize_url": f"{ISSUER}/authorize",
    "access_token_url": f"{ISSUER}/token",
    "client_kwargs": {"scope": "profile api"},
}


def as_bob(site: BlueprintSite) -> None:
    """From now on it is Bob who is signed in at the provider."""
    site.provider.auto_sign_in = "bob"
    for cookie in list(site.browser.cookies):
        if cookie.domain.startswith("op.test"):
            site.browser.cookies.clear(cookie.domain, cookie.path, cookie.name)


# -- what the session holds ------------------------------------------------------------------


def test_nobody_outside_of_a_request() -> None:
    assert not current_identity
    app = flask.Flask("bare")
    with app.app_context():
        assert not current_identity


def test_nobody_without_the_blueprint() -> None:
    app = flask.Flask("bare")
    app.secret_key = "k"
    with app.test_request_context():
        flask.session[KEY] = '["demo",null,"alice",null,"id",1.5]\n{}'
        assert not current_identity


@pytest.mark.parametrize(
    "kept",
    [
        *(None, "alice", [], {}, {"sub": "alice"}, 7, True, "[]", "{}", "\n", "null\n{}"),
        '["demo",null,"alice",null,"id"]\n{}',
        '["demo",null,"alice",null,"id","1.5"]\n{}',
        '["demo",null,5,null,"id",1.5]\n{}',
        '[null,null,"alice",null,"id",1.5]\n{}',
    ],
)
def test_malformed_entry_is_nobody(site: BlueprintSite, kept: Any) -> None:
    with site.app.test_request_context():
        flask.session[KEY] = kept
        assert not current_identity


def test_entry_of_a_later_version_is_read(site: BlueprintSite) -> None:
    with site.app.test_request_context():
        flask.session[KEY] = '["demo",null,"alice",null,"id",1.5,"new"]\n{"something_new":1}'
        assert current_identity.key == ("demo", "alice")


@pytest.mark.parametrize("header", ["OIDC-Claim-Sub", "X-Forwarded-User", "Remote-User", "X-Email"])
def test_header_makes_nobody_somebody(site: BlueprintSite, header: str) -> None:
    """Row ST12."""
    answer = site.app.test_client().get("/who", base_url=ORIGIN, headers={header: "alice"})
    assert answer.json == {}


def test_session_cookie_shows_no_token(site: BlueprintSite) -> None:
    """Row ST01."""
    site.sign_in()
    secrets = [secret for secret in site.provider.secrets if len(secret) > 8]
    shown = json.dumps(site.session())
    assert secrets
    assert [secret for secret in secrets if secret in shown] == []


@pytest.mark.parametrize(
    "huge",
    [
        {"name": "n" * 3000, "picture": "https://x.test/" + "p" * 3000},
        {"name": "\U0001f600" * 300, "email": "e" * 900},
        {"acr": "a" * 2000},
        {"sid": "s" * 2000},
        {"groups": ["g"] * 2000},
        {"sub": "s" * 255, "name": "n" * 500},
        dict.fromkeys(("name", "given_name", "family_name", "locale", "picture"), "ộ" * 60),
    ],
    ids=["claims", "unicode", "acr", "sid", "groups", "sub", "many"],
)
def test_identity_has_its_limit(site: BlueprintSite, huge: dict[str, Any]) -> None:
    site.provider.faults.on("id_token").edit_claims(lambda claims: {**claims, **huge})
    site.provider.faults.on("userinfo").edit_json(
        lambda claims: {**claims, "sub": huge.get("sub", "alice")}
    )
    assert site.sign_in().url == f"{ORIGIN}/"
    assert len(site.session()[KEY]) <= MAX_BYTES
    assert site.who()["sub"] == huge.get("sub", "alice")


def test_scopes_have_their_limit(site: BlueprintSite) -> None:
    scopes = " ".join(f"https://api.test/{number}" for number in range(300))
    site.provider.faults.on("token").edit_json(lambda token: {**token, "scope": f"openid {scopes}"})
    site.sign_in()
    assert len(site.session()[KEY]) <= MAX_BYTES
    kept = site.who()["scopes"]
    assert (kept[0], 10 < len(kept) < 60) == ("openid", True)


@pytest.mark.parametrize(
    ("said", "verified"),
    [(True, True), ("true", True), (False, False), ("false", False), ("", False), (None, False)],
)
def test_address_is_verified_or_not(site: BlueprintSite, said: Any, verified: bool) -> None:
    """Row I58."""
    site.provider.faults.on("id_token").edit_claims(lambda c: {**c, "email_verified": said})
    site.sign_in()
    assert site.who()["claims"]["email_verified"] is verified


def test_claims_of_another_type_are_not_kept(site: BlueprintSite) -> None:
    odd = {"name": ["Alice"], "email": {"a": 1}, "locale": 5}
    site.provider.faults.on("id_token").edit_claims(lambda claims: {**claims, **odd})
    site.sign_in()
    assert not {"name", "email", "locale"} & site.who()["claims"].keys()


def test_same_address_is_not_the_same_person(make_blueprint_site: Make) -> None:
    """Rows AC01 and AC02."""
    site = make_blueprint_site()
    site.sign_in()
    site.provider.faults.on("id_token").edit_claims(
        lambda claims: {**claims, "email": "alice@example.com", "preferred_username": "alice"}
    )
    as_bob(site)
    page = site.open("/auth/login/demo")
    assert (page.status, "account_mismatch" in page.text) == (409, True)
    assert site.who()["sub"] == "alice"


@pytest.fixture
def two_providers(
    make_blueprint_site: Make, provider: DevelopmentProvider
) -> Iterator[Callable[..., BlueprintSite]]:
    """Makes a site with another provider, ``other``, at which Alice is signed in too."""
    other = DevelopmentProvider(OTHER_ISSUER, keys=provider.keys)
    other.auto_sign_in = "alice"
    callback = f"{ORIGIN}/auth/callback/other"
    other.add_client(ClientRecord("rp", "other secret", redirect_uris=(callback,)))
    client = {"client_id": "rp", "client_secret": "other secret", "issuer": OTHER_ISSUER}
    scope = {"client_kwargs": {"scope": "openid profile"}}
    sites: list[BlueprintSite] = []

    def make(**settings: Any) -> BlueprintSite:
        site = make_blueprint_site(more={"other": {**client, **scope}}, **settings)
        site.oauth.other.session.mount("https://", other.adapter())
        site.browser.mount(OTHER_ISSUER, other.wsgi)
        sites.append(site)
        return site

    yield make
    for site in sites:
        site.oauth.other.session.close()


def test_same_subject_of_another_issuer_is_another_person(two_providers: Make) -> None:
    """Row AC04."""
    site = two_providers()
    site.browser.sign_in(f"{ORIGIN}/auth/login/demo")
    page = site.open("/auth/login/other")
    assert (page.status, "account_mismatch" in page.text) == (409, True)
    assert site.who()["issuer"] == ISSUER


def test_key_of_the_application_says_that_it_is_the_same_person(two_providers: Make) -> None:
    site = two_providers(on_login=lambda result: 7)
    site.browser.sign_in(f"{ORIGIN}/auth/login/demo")
    assert site.open("/auth/login/other", next="/who").url == f"{ORIGIN}/who"
    assert (site.who()["issuer"], site.who()["user"]) == (OTHER_ISSUER, 7)


def test_one_context_for_two_requests_is_not_one_person(site: BlueprintSite) -> None:
    """As in tests that hold an application context open."""
    visit = site.begin()
    somebody = site.app.test_client()
    with site.app.app_context():
        site.finish(visit)
        assert site.who()["sub"] == "alice"
        assert somebody.get("/who", base_url=ORIGIN).json == {}
        assert site.who()["sub"] == "alice"


# -- a new session for whoever comes in ------------------------------------------------------


class StoredSession(dict[str, Any], SessionMixin):
    """A session that lives on the server."""

    def __init__(self, sid: str, content: dict[str, Any]) -> None:
        super().__init__(content)
        self.sid = sid


class StoredSessions(SessionInterface):
    """Sessions on the server, with the method that Flask-Session gives a new name with."""

    def __init__(self) -> None:
        self.stored: dict[str, dict[str, Any]] = {}
        self.made = 0

    def _new_name(self) -> str:
        self.made += 1
        return f"session-{self.made}"

    def open_session(self, app: flask.Flask, request: flask.Request) -> StoredSession:
        """Find the session that the cookie names; an unknown name is taken as it is."""
        sid = request.cookies.get("session") or self._new_name()
        return StoredSession(sid, json.loads(json.dumps(self.stored.get(sid, {}))))

    def save_session(self, app: flask.Flask, session: Any, response: flask.Response) -> None:
        """Store it."""
        self.stored[session.sid] = dict(session)
        response.set_cookie("session", session.sid, secure=True, httponly=True)

    def regenerate(self, session: Any) -> None:
        """Give the session another name; the old one names nothing any more."""
        self.stored.pop(session.sid, None)
        session.sid = self._new_name()


def test_session_that_an_attacker_has_set_stays_anonymous(site: BlueprintSite) -> None:
    """Row S18."""
    sessions = site.app.session_interface = StoredSessions()
    site.browser.cookies.set("session", "of-the-attacker", domain="rp.test", path="/")  # type: ignore[attr-defined]
    site.sign_in()
    assert site.who()["sub"] == "alice"
    attacker = site.app.test_client()
    attacker.set_cookie("session", "of-the-attacker", domain="rp.test")
    assert attacker.get("/who", base_url=ORIGIN).json == {}
    assert "of-the-attacker" not in {k for k, v in sessions.stored.items() if KEY in v}


def test_failed_login_keeps_the_name_of_the_session(site: BlueprintSite) -> None:
    sessions = site.app.session_interface = StoredSessions()
    site.browser.cookies.set("session", "mine", domain="rp.test", path="/")  # type: ignore[attr-defined]
    site.provider.faults.on("id_token").tamper_signature()
    assert site.sign_in().status == 502
    assert list(sessions.stored) == ["mine"]


def cart(site: BlueprintSite) -> None:
    """Routes that put things into a cart and show it."""

    def put() -> str:
        flask.session.permanent = True
        flask.session.update(cart=["book"], theme="dark", _flashes=[("message", "hello")])
        return ""

    site.app.add_url_rule("/put", "put", put)
    site.app.add_url_rule("/session", "session", lambda: dict(flask.session))


def test_session_begins_anew_but_for_what_is_to_stay(make_blueprint_site: Make) -> None:
    site = make_blueprint_site(keep_in_session=["cart"])
    cart(site)
    site.open("/put")
    site.sign_in()
    session = site.session()
    assert (session["cart"], session["_permanent"]) == (["book"], True)
    assert not {"theme", "_flashes"} & session.keys()
    assert not [key for key in session if key.startswith("_state_")]


@pytest.mark.parametrize("keep", [(), ("_oauthclient_identity",)])
def test_session_of_before_does_not_sign_in(make_blueprint_site: Make, keep: Any) -> None:
    site = make_blueprint_site(keep_in_session=keep, on_login=lambda result: ("no", 200))
    site.sign_in()
    assert site.who() == {}


def test_session_that_does_not_fit_a_cookie_is_an_error(make_blueprint_site: Make) -> None:
    """Row ST06: not a login that comes again and again."""

    def on_login(result: LoginResult) -> None:
        flask.session["profile"] = [f"{number:x}-{number**9}" for number in range(400)]

    site = make_blueprint_site(on_login=on_login)
    page = site.sign_in(next="/private")
    assert (page.status, "invalid_configuration" in page.text) == (500, True)
    assert (site.who(), "profile" in site.session()) == ({}, False)


def test_login_that_fails_late_leaves_nobody_for_the_request(make_blueprint_site: Make) -> None:
    seen: list[bool] = []

    def on_login(result: LoginResult) -> None:
        flask.session["profile"] = [f"{number:x}-{number**9}" for number in range(400)]

    def on_error(error: OAuthError) -> tuple[str, int]:
        seen.append(bool(current_identity))
        return "", 500

    make_blueprint_site(on_login=on_login, on_error=on_error).sign_in()
    assert seen == [False]


def test_session_on_the_server_may_be_large(make_blueprint_site: Make) -> None:
    """Row ST06."""

    def on_login(result: LoginResult) -> None:
        flask.session["profile"] = ["x" * 100] * 100

    site = make_blueprint_site(on_login=on_login)
    site.app.session_interface = StoredSessions()
    assert site.sign_in().url == f"{ORIGIN}/"
    assert site.who()["sub"] == "alice"


# -- what the application says ---------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "a-key", 42, 0])
def test_key_of_the_application(make_blueprint_site: Make, key: Any) -> None:
    site = make_blueprint_site(on_login=lambda result: key)
    assert site.sign_in(next="/who").url == f"{ORIGIN}/who"
    assert (site.who()["user"], site.who()["sub"]) == (key, "alice")


def test_response_of_the_application(make_blueprint_site: Make) -> None:
    heard = []
    site = make_blueprint_site(on_login=lambda result: ("<style>p{}</style>welcome", 202))
    signals.login_succeeded.connect(lambda s, **found: heard.append(found), site.app, weak=False)
    page = site.sign_in()
    assert (page.status, page.text) == (202, "<style>p{}</style>welcome")
    assert "Content-Security-Policy" not in page.response.headers
    assert (site.who(), heard[0]["identity"]) == ({}, None)


def test_response_for_somebody_who_is_signed_in_already(make_blueprint_site: Make) -> None:
    answers: list[Any] = [None, ("own", 200)]
    heard = []
    site = make_blueprint_site(on_login=lambda result: answers.pop(0))
    signals.login_succeeded.connect(lambda s, **found: heard.append(found), site.app, weak=False)
    site.sign_in()
    assert site.sign_in().text == "own"
    assert [found["identity"] is None for found in heard] == [False, True]


def failing(what: BaseException) -> Callable[[LoginResult], None]:
    """An ``on_login`` that has touched the session before it fails."""

    def on_login(result: LoginResult) -> None:
        flask.session["half"] = "done"
        raise what

    return on_login


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (OAuthError("not_invited", "Only for members.", http_status=403), 403),
        (Forbidden(), 403),
        (ZeroDivisionError(), 500),
    ],
    ids=["ours", "http", "any"],
)
def test_failure_of_the_application_leaves_the_session_as_it_was(
    make_blueprint_site: Make, failure: BaseException, status: int
) -> None:
    site = make_blueprint_site(on_login=failing(failure))
    cart(site)
    site.open("/put")
    page = site.sign_in(next="/who?wanted")
    assert page.status == status
    session = site.session()
    assert (session["cart"], session["theme"], "half" in session) == (["book"], "dark", False)
    assert site.who() == {}
    if isinstance(failure, OAuthError):
        assert "not_invited" in page.text
        assert page.forms[0].data({}, ()) == [("next", "/who?wanted")]


def test_result_tells_everything(make_blueprint_site: Make) -> None:
    seen: list[LoginResult] = []
    site = make_blueprint_site(on_login=seen.append, on_start=lambda name: {"from": name})
    site.sign_in(next="/who")
    [result] = seen
    assert (result.name, result.client) == ("demo", site.oauth.demo)
    assert (result.next_url, result.extra) == ("/who", {"from": "demo"})
    assert (result.claims.sub, result.claims["iss"]) == ("alice", ISSUER)
    assert result.userinfo.email_verified is True
    assert result.token["access_token"]
    assert repr(result) == "<LoginResult 'demo' sub='alice'>"


def test_userinfo_is_asked_for_when_somebody_wants_it(make_blueprint_site: Make) -> None:
    seen: list[LoginResult] = []
    site = make_blueprint_site(on_login=seen.append)
    site.sign_in()
    assert site.provider.log.count("userinfo") == 0
    assert seen[0].userinfo is seen[0].userinfo
    assert site.provider.log.count("userinfo") == 1


@pytest.mark.parametrize(
    ("scope", "in_token", "asked"),
    [
        ("openid profile email", True, 0),
        ("openid profile email", False, 1),
        ("openid", False, 0),
        ("openid email", False, 1),
    ],
)
def test_userinfo_is_asked_if_the_token_does_not_tell(
    make_blueprint_site: Make, scope: str, in_token: bool, asked: int
) -> None:
    site = make_blueprint_site(register={"client_kwargs": {"scope": scope}})
    site.provider.claims_in_id_token = in_token
    site.sign_in()
    assert site.provider.log.count("userinfo") == asked
    assert ("email" in site.who()["claims"]) is ("email" in scope)


def test_result_can_be_made_up_in_a_test() -> None:
    client = SimpleNamespace(name="google")
    token = {"access_token": "an-access-token", "scope": "openid email"}
    result = LoginResult(client, token, {"sub": "1", "email": "a@b.test"}, {"sub": "1"})
    assert (result.name, result.userinfo.email, result.next_url) == ("google", "a@b.test", "/")
    assert (result.extra, "an-access-token" in repr(result)) == ({}, False)
    assert LoginResult(client, token, claims={"sub": "2"}).userinfo == {"sub": "2"}


def test_client_without_id_token_needs_the_applications_word(make_blueprint_site: Make) -> None:
    page = make_blueprint_site(register=PLAIN).sign_in()
    assert (page.status, "missing_configuration" in page.text) == (500, True)


def test_client_without_id_token(make_blueprint_site: Make) -> None:
    seen: list[LoginResult] = []

    def on_login(result: LoginResult) -> str:
        seen.append(result)
        return "user-7"

    site = make_blueprint_site(register=PLAIN, on_login=on_login)
    assert site.sign_in(next="/private").text == "the private page"
    who = site.who()
    assert (who["provider"], who["issuer"], who["sub"], who["user"]) == ("demo", None, "", "user-7")
    assert (dict(seen[0].claims), dict(seen[0].userinfo)) == ({}, {})


def test_userinfo_tells_who_it_is_where_there_is_no_id_token(make_blueprint_site: Make) -> None:
    plain = {**PLAIN, "userinfo_endpoint": f"{ISSUER}/userinfo"}
    site = make_blueprint_site(register=plain)
    answer = {"sub": "alice", "name": "Alice", "email_verified": "false"}
    site.provider.faults.on("userinfo").respond_json(answer)
    site.sign_in()
    who = site.who()
    assert (who["issuer"], who["sub"], who["claims"]["name"]) == (None, "alice", "Alice")
    assert who["claims"]["email_verified"] is False


# -- nobody becomes somebody else unnoticed --------------------------------------------------


def test_another_account_changes_nothing_by_itself(site: BlueprintSite) -> None:
    """Row S21."""
    site.sign_in()
    before = site.session()[KEY]
    as_bob(site)
    page = site.open("/auth/login/demo", next="/who?a=1")
    assert (page.status, "account_mismatch" in page.text) == (409, True)
    assert site.session()[KEY] == before
    assert 'href="/who?a=1"' in page.text
    page = site.browser.submit(page, press=["Switch to the other account"])
    assert page.url == f"{ORIGIN}/who?a=1"
    assert site.who()["sub"] == "bob"


def test_switching_ends_the_session_of_before(make_blueprint_site: Make) -> None:
    ended = []
    site = make_blueprint_site(on_logout=lambda identity: ended.append(identity.sub))
    site.sign_in()
    as_bob(site)
    site.browser.submit(site.open("/auth/login/demo"), press=["Switch to the other account"])
    assert ended == ["alice"]


def test_two_pages_of_a_mismatch_each_know_their_next(site: BlueprintSite) -> None:
    site.sign_in()
    as_bob(site)
    first, second = site.begin(persona="bob", next="/who?1"), site.begin(persona="bob", next="/?2")
    assert 'href="/who?1"' in site.finish(first).text
    assert 'href="/?2"' in site.finish(second).text


def test_same_person_may_sign_in_again(site: BlueprintSite) -> None:
    site.sign_in()
    assert site.sign_in(next="/who").url == f"{ORIGIN}/who"


def test_nobody_is_made_of_another_account_of_the_same_provider(make_blueprint_site: Make) -> None:
    seen: list[str] = []
    site = make_blueprint_site(on_login=lambda result: seen.append(result.claims.sub))
    site.sign_in()
    as_bob(site)
    assert site.open("/auth/login/demo").status == 409
    assert seen == ["alice"]


def test_two_tabs_where_the_provider_names_nobody(make_blueprint_site: Make) -> None:
    """Row S08."""
    site = make_blueprint_site(register=PLAIN, on_login=lambda result: 7)
    visits = [site.begin(next="/who?0"), site.begin(next="/who?1")]
    for number in (1, 0):
        assert site.finish(visits[number]).url == f"{ORIGIN}/who?{number}"


def test_without_a_subject_the_application_tells_people_apart(make_blueprint_site: Make) -> None:
    """Row S21, where the provider names nobody."""
    users = [1, 1, 2]
    site = make_blueprint_site(register=PLAIN, on_login=lambda result: users.pop(0))
    site.sign_in()
    assert site.sign_in(next="/who").url == f"{ORIGIN}/who"
    page = site.open("/auth/login/demo")
    assert (page.status, site.who()["user"]) == (409, 1)


# -- signals ---------------------------------------------------------------------------------


@pytest.mark.parametrize("asked_for", [True, False])
def test_token_in_signals_if_it_is_asked_for(make_blueprint_site: Make, asked_for: bool) -> None:
    heard: list[dict[str, Any]] = []
    site = make_blueprint_site(token_in_signals=asked_for)
    signals.login_succeeded.connect(lambda s, **found: heard.append(found), site.app, weak=False)
    site.sign_in()
    [found] = heard
    assert ("token" in found) is asked_for
    assert found["identity"].sub == "alice"
    assert not {"access_token", "id_token"} & found["claims"].keys()


def test_two_registries_in_two_applications(provider: DevelopmentProvider) -> None:
    sites = [BlueprintSite(provider), BlueprintSite(provider, config={"SECRET_KEY": "another one"})]
    pages: list[Page] = [site.sign_in() for site in sites]
    assert [page.status for page in pages] == [200, 200]
    sites[1].browser.cookies.set(  # type: ignore[attr-defined]
        "session",
        next(c.value for c in sites[0].browser.cookies if c.name == "session"),
        domain="rp.test",
        path="/",
    )
    assert sites[1].who() == {}
    for site in sites:
        site.oauth.demo.session.close()
        site.browser.close()


def test_one_registry_in_two_applications(provider: DevelopmentProvider) -> None:
    oauth, apps = OAuth(), {"https://a.test": flask.Flask("a"), "https://b.test": flask.Flask("b")}
    callbacks = tuple(f"{origin}/auth/callback/demo" for origin in apps)
    provider.add_client(ClientRecord("rp", "a secret of these tests", redirect_uris=callbacks))
    oauth.register(
        "demo",
        client_id="rp",
        client_secret="a secret of these tests",
        issuer=provider.issuer,
        client_kwargs={"scope": "openid"},
    )
    blueprint = oauth.create_blueprint()
    browser = ScriptedBrowser({ISSUER: provider.wsgi})
    for origin, app in apps.items():
        app.config.update(SECRET_KEY=f"key of {origin}", SESSION_COOKIE_SECURE=True)
        oauth.init_app(app)
        app.register_blueprint(blueprint, url_prefix="/auth")
        app.add_url_rule("/who", "who", lambda: current_identity.sub if current_identity else "-")
        with app.app_context():
            oauth.demo.session.mount("https://", provider.adapter())
        browser.mount(origin, app.wsgi_app)
    assert browser.sign_in("https://a.test/auth/login?next=/who").text == "alice"
    assert browser.open("https://b.test/who").text == "-"
    assert browser.sign_in("https://b.test/auth/login?next=/who").text == "alice"
    browser.close()
