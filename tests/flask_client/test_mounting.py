"""Where the blueprint stands: prefixes, subdomains, other blueprints, other paths."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import flask
import pytest
from flask_wtf import CSRFProtect

from flask_oauthclient import OAuth
from flask_oauthclient import current_identity
from flask_oauthclient import login_required
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.testing.browser import Page
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.helpers.leaks import Watch
from tests.helpers.urls import query_of
from tests.login.oauth1._site import Line
from tests.servers.oauthlib_server import OAuth1Server

from ._site import ISSUER
from ._site import ORIGIN

SECRET = "a client secret of these tests"
Registry = Callable[..., OAuth]
Open = Callable[..., Page]


@pytest.fixture
def registry(provider: DevelopmentProvider) -> Registry:
    """Makes a registry with clients of one provider, each with a callback of its own."""

    def make(app: flask.Flask, *names: str) -> OAuth:
        oauth = OAuth(app)
        for name in names:
            oauth.register(
                name,
                client_id="rp",
                client_secret=SECRET,
                issuer=ISSUER,
                client_kwargs={"scope": "openid profile"},
            )
            with app.app_context():
                getattr(oauth, name).session.mount("https://", provider.adapter())
        return oauth

    return make


@pytest.fixture
def app() -> flask.Flask:
    """An application with a page that shows who is there, and a protected one."""
    app = flask.Flask("mounted")
    app.config.update(SECRET_KEY="key of these tests", SESSION_COOKIE_SECURE=True)
    app.add_url_rule("/", "home", lambda: "the front page")
    app.add_url_rule("/who", "who", lambda: current_identity.provider if current_identity else "-")
    app.add_url_rule("/private", "private", login_required(lambda: "private"))
    return app


@pytest.fixture
def visit(app: flask.Flask, provider: DevelopmentProvider) -> Iterator[Open]:
    """Opens a page in a browser, for which the provider knows every callback that is asked for."""
    browsers: list[ScriptedBrowser] = []

    def open_page(url: str, *callbacks: str, wsgi: Any = None) -> Page:
        provider.add_client(ClientRecord("rp", SECRET, redirect_uris=callbacks))
        if not browsers:
            browsers.append(ScriptedBrowser({ISSUER: provider.wsgi}))
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        browsers[0].mount(origin, wsgi or app.wsgi_app)
        return browsers[0].sign_in(url)

    yield open_page
    for browser in browsers:
        browser.close()


def redirect_uri(app: flask.Flask, path: str, base_url: str = ORIGIN) -> str:
    """The redirect URI of a login that starts at a path."""
    location = app.test_client().get(path, base_url=base_url).headers["Location"]
    return query_of(location)["redirect_uri"][0]


# -- prefixes and names ----------------------------------------------------------------------


def test_mounted_at_the_root(app: flask.Flask, visit: Open, registry: Registry) -> None:
    app.register_blueprint(registry(app, "demo").create_blueprint())
    assert visit(f"{ORIGIN}/private", f"{ORIGIN}/callback/demo").text == "private"


def test_mounted_twice_for_two_providers(app: flask.Flask, visit: Open, registry: Registry) -> None:
    oauth = registry(app, "one", "two")
    app.register_blueprint(oauth.create_blueprint("a", providers=["one"]), url_prefix="/a")
    app.register_blueprint(oauth.create_blueprint("b", providers=["two"]), url_prefix="/b")
    app.add_url_rule("/for-two", "two", login_required("two")(lambda: "for two"))
    page = visit(f"{ORIGIN}/for-two", f"{ORIGIN}/b/callback/two", f"{ORIGIN}/a/callback/one")
    assert page.text == "for two"
    assert [v.url.partition("?")[0] for v in page.history if "/login" in v.url] == [
        f"{ORIGIN}/b/login/two"
    ]
    assert app.test_client().get("/a/login/two", base_url=ORIGIN).status_code == 404
    assert app.test_client().get("/b/callback/one", base_url=ORIGIN).status_code == 404


def test_page_of_a_view_leads_to_the_blueprint_of_its_provider(
    app: flask.Flask, visit: Open, registry: Registry, provider: DevelopmentProvider
) -> None:
    oauth = registry(app, "one", "two")
    app.register_blueprint(oauth.create_blueprint("a", providers=["one"]), url_prefix="/a")
    app.register_blueprint(oauth.create_blueprint("b", providers=["two"]), url_prefix="/b")
    app.add_url_rule("/api", "api", login_required("two", scopes=["api"])(lambda: "api"))
    provider.faults.on("token").edit_json(lambda token: {**token, "scope": "openid"})
    page = visit(f"{ORIGIN}/api", f"{ORIGIN}/b/callback/two")
    assert (page.status, page.forms[0].action) == (403, "/b/login/two")


def test_same_blueprint_mounted_twice(app: flask.Flask, visit: Open, registry: Registry) -> None:
    blueprint = registry(app, "demo").create_blueprint()
    app.register_blueprint(blueprint, url_prefix="/a")
    app.register_blueprint(blueprint, name="again", url_prefix="/b")
    callbacks = f"{ORIGIN}/a/callback/demo", f"{ORIGIN}/b/callback/demo"
    assert visit(f"{ORIGIN}/b/login?next=/who", *callbacks).text == "demo"
    assert redirect_uri(app, "/a/login") == callbacks[0]


def test_nested_in_another_blueprint(app: flask.Flask, visit: Open, registry: Registry) -> None:
    outer = flask.Blueprint("site", __name__, url_prefix="/site")
    outer.register_blueprint(registry(app, "demo").create_blueprint("auth"), url_prefix="/auth")
    app.register_blueprint(outer)
    callback = f"{ORIGIN}/site/auth/callback/demo"
    assert visit(f"{ORIGIN}/private", callback).text == "private"
    assert visit(f"{ORIGIN}/site/auth/login?next=/site/auth/login", callback).url == f"{ORIGIN}/"


def test_below_a_prefix_of_the_server(app: flask.Flask, visit: Open, registry: Registry) -> None:
    app.register_blueprint(registry(app, "demo").create_blueprint(), url_prefix="/auth")

    def below(environ: dict[str, Any], start_response: Any) -> Any:
        environ["SCRIPT_NAME"] = "/app"
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix("/app")
        return app.wsgi_app(environ, start_response)

    callback = f"{ORIGIN}/app/auth/callback/demo"
    page = visit(f"{ORIGIN}/app/private?a=%20", callback, wsgi=below)
    assert (page.url, page.text) == (f"{ORIGIN}/app/private?a=%20", "private")
    assert visit(f"{ORIGIN}/app/auth/login?next=/app/auth/login", callback, wsgi=below).url == (
        f"{ORIGIN}/app/"
    )


def test_on_a_subdomain(visit: Open, provider: DevelopmentProvider, registry: Registry) -> None:
    app = flask.Flask("subdomains", subdomain_matching=True)
    app.config.update(SECRET_KEY="key of these tests", SERVER_NAME="rp.test")
    app.config.update(SESSION_COOKIE_DOMAIN="rp.test", SESSION_COOKIE_SECURE=True)
    app.add_url_rule("/", "home", lambda: "the front page", subdomain="auth")
    app.register_blueprint(registry(app, "demo").create_blueprint(), subdomain="auth")
    base = "https://auth.rp.test"
    assert redirect_uri(app, "/login", base) == f"{base}/callback/demo"
    assert app.test_client().get("/login", base_url=ORIGIN).status_code == 404
    foreign = {"Sec-Fetch-Site": "same-site", "Referer": "https://evil.test/"}
    answer = app.test_client().get("/login", base_url=base, headers=foreign)
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)
    own = {"Sec-Fetch-Site": "same-site", "Referer": f"{ORIGIN}/"}
    assert app.test_client().get("/login", base_url=base, headers=own).status_code == 302


# -- paths -----------------------------------------------------------------------------------


def test_one_path_for_all_providers(app: flask.Flask, visit: Open, registry: Registry) -> None:
    paths = {"callback": "/login/<provider>/authorized", "logout": "/bye", "login": "/enter"}
    blueprint = registry(app, "demo").create_blueprint(paths=paths)
    app.register_blueprint(blueprint)
    callback = f"{ORIGIN}/login/demo/authorized"
    assert visit(f"{ORIGIN}/enter?next=/who", callback).text == "demo"
    assert app.test_client().post("/bye", base_url=ORIGIN).status_code == 302
    assert app.test_client().get("/callback/demo", base_url=ORIGIN).status_code == 404


def test_path_of_the_only_provider(app: flask.Flask, visit: Open, registry: Registry) -> None:
    oauth = registry(app, "demo", "other")
    paths = {"callback": "/oauth/done", "start": "/oauth/go"}
    app.register_blueprint(oauth.create_blueprint(providers=["demo"], paths=paths))
    assert visit(f"{ORIGIN}/login?next=/who", f"{ORIGIN}/oauth/done").text == "demo"
    assert redirect_uri(app, "/oauth/go") == f"{ORIGIN}/oauth/done"


def test_path_for_each_provider(app: flask.Flask, visit: Open, registry: Registry) -> None:
    oauth = registry(app, "one", "two", "three")
    paths: Mapping[str, Any] = {"callback": {"one": "/done/1", "two": "/done/2"}}
    app.register_blueprint(oauth.create_blueprint(paths=paths))
    callbacks = f"{ORIGIN}/done/1", f"{ORIGIN}/done/2", f"{ORIGIN}/callback/three"
    for name, callback in zip(("one", "two", "three"), callbacks, strict=True):
        assert redirect_uri(app, f"/login/{name}") == callback
    assert visit(f"{ORIGIN}/login/two?next=/who", *callbacks).text == "two"


@pytest.mark.parametrize(
    "paths",
    [
        {"logn": "/enter"},
        {"callback": "/done"},
        {"callback": {"one": "/done", "two": "/done"}},
        {"callback": {"one": "/callback/two"}},
        {"login": "/login/<provider>/now"},
        {"login": {"one": "/enter"}},
    ],
)
def test_paths_that_cannot_work(app: flask.Flask, paths: Any, registry: Registry) -> None:
    """Row K04 among them: two providers with the same callback path."""
    with pytest.raises(InvalidSettingError, match="paths: "):
        registry(app, "one", "two").create_blueprint(paths=paths)


@pytest.mark.parametrize("paths", [None, {"callback": "/done"}])
def test_two_blueprints_do_not_share_a_callback(
    app: flask.Flask, paths: Any, registry: Registry
) -> None:
    """Row K04."""
    oauth = registry(app, "one", "two")
    app.register_blueprint(oauth.create_blueprint("a", providers=["one"], paths=paths))
    second = oauth.create_blueprint("b", providers=["two"], paths=paths)
    with pytest.raises(InvalidSettingError, match=r"'a.callback' and 'b.callback'"):
        app.register_blueprint(second)


def test_login_required_needs_the_blueprint(app: flask.Flask) -> None:
    OAuth(app)
    app.testing = True
    with pytest.raises(RuntimeError, match="register_blueprint"):
        app.test_client().get("/private", base_url=ORIGIN)


def test_login_required_at_a_provider_that_nobody_serves(
    app: flask.Flask, registry: Registry
) -> None:
    app.register_blueprint(registry(app, "demo").create_blueprint())
    app.add_url_rule("/x", "x", login_required("nobody")(lambda: "x"))
    app.testing = True
    with pytest.raises(RuntimeError, match="nobody"):
        app.test_client().get("/x", base_url=ORIGIN)


def test_base_url_with_a_path(app: flask.Flask, registry: Registry) -> None:
    app.config["OAUTHCLIENT_BASE_URL"] = "https://public.test/app"
    app.register_blueprint(registry(app, "demo").create_blueprint(), url_prefix="/auth")
    expected = "https://public.test/app/auth/callback/demo"
    assert redirect_uri(app, "/auth/login", "http://inside.test:8000") == expected
    assert redirect_uri(app, "/auth/login", "http://inside.test:8000/app") == expected


def test_two_registries_in_one_application(
    app: flask.Flask, visit: Open, registry: Registry
) -> None:
    first, second = registry(app, "one"), registry(app, "two")
    app.register_blueprint(first.create_blueprint("a"), url_prefix="/a")
    app.register_blueprint(second.create_blueprint("b"), url_prefix="/b")
    callbacks = f"{ORIGIN}/a/callback/one", f"{ORIGIN}/b/callback/two"
    assert visit(f"{ORIGIN}/b/login?next=/who", *callbacks).text == "two"
    assert visit(f"{ORIGIN}/private", *callbacks).text == "private"


# -- other extensions, other protocols -------------------------------------------------------


@pytest.mark.parametrize("first", [True, False])
def test_csrf_protection_of_forms_leaves_ours_alone(
    app: flask.Flask, visit: Open, first: bool, registry: Registry
) -> None:
    protection = CSRFProtect()
    if first:
        protection.init_app(app)
    oauth = registry(app, "one", "two")
    app.register_blueprint(oauth.create_blueprint(), url_prefix="/auth")
    if not first:
        protection.init_app(app)
    app.add_url_rule("/own", "own", lambda: "", methods=["POST"])
    client = app.test_client()
    answer = client.post("/auth/login/one", base_url=ORIGIN)
    assert answer.headers["Location"].startswith(ISSUER)
    assert client.post("/auth/logout", base_url=ORIGIN).status_code == 302
    token = {"logout_token": "x"}
    answer = client.post("/auth/backchannel-logout/one", base_url=ORIGIN, data=token)
    assert (answer.status_code, answer.mimetype) == (400, "application/json")
    assert client.post("/own", base_url=ORIGIN).status_code == 400


def test_oauth1_client(app: flask.Flask, oauth1_server: OAuth1Server, watch: Watch) -> None:
    seen: list[Any] = []

    def on_login(result: Any) -> str:
        seen.append(result)
        return "user-1"

    watch.secret(oauth1_server.client_secret, oauth1_server.rsa_key)
    app.config["SESSION_COOKIE_SECURE"] = False
    oauth = OAuth(app)
    oauth.register(
        "old",
        client_id=oauth1_server.client_id,
        client_secret=oauth1_server.client_secret,
        request_token_url=oauth1_server.request_token_url,
        authorize_url=oauth1_server.authorize_url,
        access_token_url=oauth1_server.access_token_url,
    )
    line = Line(watch)
    oauth.old.session.mount("http://", line)
    app.register_blueprint(oauth.create_blueprint(on_login=on_login), url_prefix="/auth")
    with ScriptedBrowser({"http://localhost": app.wsgi_app}) as browser:
        page = browser.walk(
            "http://localhost/private?a",
            press=["Allow"],
            stop_before="http://localhost/auth/callback",
        )
        callback = page.history[-1].url
        page = browser.open(callback)
        assert (page.url, page.text) == ("http://localhost/private?a", "private")
        assert browser.open("http://localhost/who").text == "old"
        requests = len(line.requests)
        assert browser.open(callback).url == "http://localhost/private?a"
        assert len(line.requests) == requests
    line.close()
    assert (seen[0].name, dict(seen[0].claims), dict(seen[0].userinfo)) == ("old", {}, {})
