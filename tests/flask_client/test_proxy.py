"""The redirect URI behind a proxy (row A09), and the warning of a plain one (row A10)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask import url_for
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_oauthclient import OAuth
from tests.helpers.urls import query_of

LOGGER = "flask_oauthclient.flask_client.proxy"
BASE = "https://sign-in.example.test"
#: The two lines, as they can be pasted.
LINES = (
    "from werkzeug.middleware.proxy_fix import ProxyFix",
    "app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)",
)
OPTIONS: dict[str, Any] = {
    "client_id": "rp",
    "authorize_url": "https://op.test/authorize",
    "access_token_url": "https://op.test/token",
}
MakeApp = Callable[..., Flask]


@pytest.fixture
def make_app() -> MakeApp:
    """Makes applications: the blueprint below ``/auth``, and a login by hand at ``/login``."""

    def make(names: tuple[str, ...] = ("demo",), **config: Any) -> Flask:
        app = Flask("behind")
        app.config.update(SECRET_KEY="the secret key of these tests", **config)
        oauth = OAuth(app)
        for name in names:
            oauth.register(name, **OPTIONS)
        app.register_blueprint(oauth.create_blueprint(), url_prefix="/auth")

        @app.get("/login")
        def login() -> Any:
            return oauth.demo.authorize_redirect(url_for("callback", _external=True))

        app.add_url_rule("/callback", "callback", lambda: "")
        return app

    return make


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Gives the warnings so far."""

    def read() -> list[str]:
        records = [record for record in caplog.records if record.name == LOGGER]
        assert {record.levelno for record in records} <= {logging.WARNING}
        return [record.getMessage() for record in records]

    return read


Warnings = Callable[[], list[str]]


def start(
    app: Flask,
    headers: dict[str, str] | None = None,
    path: str = "/auth/login/demo",
    host: str = "app.example",
) -> str:
    """Begin a login over plain http.

    :returns: the redirect URI.
    """
    answer = app.test_client().get(path, base_url=f"http://{host}", headers=headers)
    assert answer.status_code == 302, answer.text
    return str(query_of(answer.headers["Location"])["redirect_uri"][0])


SAYING_HTTPS = {
    "x-forwarded-proto": ("X-Forwarded-Proto", "https"),
    "x-forwarded-proto-list": ("X-Forwarded-Proto", "HTTPS, http"),
    "x-forwarded-proto-inner-list": ("X-Forwarded-Proto", "http ,https"),
    "forwarded": ("Forwarded", "proto=https"),
    "forwarded-pairs": ("Forwarded", 'for="[2001:db8::1]:4711";proto=https;by=203.0.113.43'),
    "forwarded-quoted": ("Forwarded", 'for=192.0.2.60; Proto="https"'),
    "forwarded-list": ("Forwarded", "for=192.0.2.43, for=198.51.100.17;proto=https"),
    "x-forwarded-ssl": ("X-Forwarded-Ssl", "on"),
    "front-end-https": ("Front-End-Https", "On"),
    "x-url-scheme": ("X-Url-Scheme", "https"),
}


@pytest.mark.parametrize("path", ["/auth/login/demo", "/login"])
@pytest.mark.parametrize("header", SAYING_HTTPS.values(), ids=SAYING_HTTPS)
def test_proxy_that_speaks_tls_is_told_of_once(
    make_app: MakeApp, warnings: Warnings, header: tuple[str, str], path: str
) -> None:
    app = make_app()
    for _ in range(3):
        assert start(app, dict([header]), path).startswith("http://app.example/")
    [warning] = warnings()
    assert set(LINES) < {line.strip() for line in warning.splitlines()}
    assert header[0] in warning
    assert "OAUTHCLIENT_BASE_URL" in warning
    assert "'demo'" in warning


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Proto", "httpsx"),
        ("X-Forwarded-Proto", "wss://https"),
        ("Forwarded", "proto=http;host=https"),
        ("Forwarded", "for=proto=https2"),
        ("Forwarded", "xproto=https"),
        ("X-Forwarded-Ssl", "off"),
        ("Front-End-Https", "off"),
        ("X-Url-Scheme", "http"),
        ("X-Forwarded-Port", "443"),
    ],
)
def test_without_such_a_header_the_warning_names_no_cause(
    make_app: MakeApp, warnings: Warnings, name: str, value: str
) -> None:
    start(make_app(), {name: value})
    [warning] = warnings()
    assert "Behind a TLS proxy" in warning
    assert not any(line in warning for line in LINES)


def test_one_warning_for_all_clients_of_an_application(
    make_app: MakeApp, warnings: Warnings
) -> None:
    app, https = make_app(("demo", "other")), {"X-Forwarded-Proto": "https"}
    for path in ("/auth/login/demo", "/auth/login/other", "/login"):
        start(app, https, path)
        start(app, None, path)
    assert len(warnings()) == 1
    start(make_app(), https)
    assert len(warnings()) == 2


def test_a_warning_without_a_cause_does_not_hide_the_cause(
    make_app: MakeApp, warnings: Warnings
) -> None:
    app = make_app()
    start(app)
    start(app, {"X-Forwarded-Proto": "https"})
    assert [LINES[0] in warning for warning in warnings()] == [False, True]


def test_what_a_header_says_is_not_logged(make_app: MakeApp, warnings: Warnings) -> None:
    start(make_app(), {"X-Forwarded-Proto": "https,\tnoted by evil.test"})
    [warning] = warnings()
    assert "evil" not in warning


@pytest.mark.parametrize("host", ["localhost:5000", "127.0.0.1:5000", "app.localhost"])
def test_on_this_machine_plain_http_is_fine(
    make_app: MakeApp, warnings: Warnings, host: str
) -> None:
    start(make_app(), {"X-Forwarded-Proto": "https"}, host=host)
    assert warnings() == []


def test_with_the_two_lines_the_redirect_uri_is_right(
    make_app: MakeApp, warnings: Warnings
) -> None:
    app = make_app()
    scope: dict[str, Any] = {"app": app}
    exec("\n".join(LINES), scope)
    headers = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "www.example.test",
        "X-Forwarded-Prefix": "/app",
    }
    assert start(app, headers) == "https://www.example.test/app/auth/callback/demo"
    assert start(app, headers, "/login") == "https://www.example.test/app/callback"
    assert warnings() == []


def test_a_wrong_number_of_proxies_is_named(make_app: MakeApp, warnings: Warnings) -> None:
    app = make_app()
    app.wsgi_app = ProxyFix(app.wsgi_app, x_proto=2)  # type: ignore[method-assign]
    assert start(app, {"X-Forwarded-Proto": "https"}).startswith("http://")
    [warning] = warnings()
    assert "There is a ProxyFix" in warning
    assert set(LINES) < {line.strip() for line in warning.splitlines()}


def test_redirect_uri_that_is_plain_by_choice_is_not_the_proxys_fault(
    warnings: Warnings,
) -> None:
    app = Flask("chosen")
    app.config["SECRET_KEY"] = "the secret key of these tests"
    oauth = OAuth(app)
    oauth.register("demo", redirect_uri="http://app.example/callback", **OPTIONS)
    app.add_url_rule("/login", "login", lambda: oauth.demo.authorize_redirect())
    headers = {"X-Forwarded-Proto": "https"}
    answer = app.test_client().get("/login", base_url="https://app.example", headers=headers)
    assert answer.status_code == 302
    assert LINES[0] not in "".join(warnings())
    assert len(warnings()) == 1


# -- OAUTHCLIENT_BASE_URL ------------------------------------------------------------------------

FORGED: dict[str, dict[str, str]] = {
    "host": {"Host": "evil.test"},
    "x-forwarded-host": {"X-Forwarded-Host": "evil.test"},
    "x-forwarded": {
        "X-Forwarded-Host": "evil.test",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Port": "8080",
    },
    "x-forwarded-prefix": {"X-Forwarded-Prefix": "/evil.test"},
    "forwarded": {"Forwarded": "host=evil.test;proto=http"},
}


@pytest.mark.parametrize("trailing", ["", "/"])
@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED)
@pytest.mark.parametrize("with_proxy_fix", [False, True])
def test_base_url_wins_over_whatever_a_request_says(
    make_app: MakeApp,
    warnings: Warnings,
    headers: dict[str, str],
    with_proxy_fix: bool,
    trailing: str,
) -> None:
    app = make_app(OAUTHCLIENT_BASE_URL=BASE + trailing)
    if with_proxy_fix:
        fixed = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)
        app.wsgi_app = fixed  # type: ignore[method-assign]
    assert start(app, headers) == f"{BASE}/auth/callback/demo"
    assert warnings() == []


def test_base_url_may_have_a_path(make_app: MakeApp) -> None:
    app = make_app(OAUTHCLIENT_BASE_URL=f"{BASE}/app")
    assert start(app) == f"{BASE}/app/auth/callback/demo"
    fixed = ProxyFix(app.wsgi_app, x_prefix=1)
    app.wsgi_app = fixed  # type: ignore[method-assign]
    headers = {"X-Forwarded-Prefix": "/app"}
    assert start(app, headers) == f"{BASE}/app/auth/callback/demo"


def test_a_plain_base_url_is_warned_of_like_every_other(
    make_app: MakeApp, warnings: Warnings
) -> None:
    app = make_app(OAUTHCLIENT_BASE_URL="http://app.example")
    assert start(app, {"X-Forwarded-Proto": "https"}).startswith("http://app.example/")
    assert len(warnings()) == 1


# -- TRUSTED_HOSTS -------------------------------------------------------------------------------


@pytest.mark.parametrize("with_proxy_fix", [False, True])
@pytest.mark.parametrize("name", ["host", "x-forwarded-host", "x-forwarded"])
def test_a_host_that_is_not_trusted_begins_no_login(
    make_app: MakeApp, name: str, with_proxy_fix: bool
) -> None:
    app = make_app(TRUSTED_HOSTS=["app.example"])
    if with_proxy_fix:
        fixed = ProxyFix(app.wsgi_app, x_proto=1, x_host=1)
        app.wsgi_app = fixed  # type: ignore[method-assign]
    answer = app.test_client().get(
        "/auth/login/demo", base_url="https://app.example", headers=FORGED[name]
    )
    if name == "host" or with_proxy_fix:
        assert answer.status_code == 400
        assert "Location" not in answer.headers
        assert "Set-Cookie" not in answer.headers
    else:
        [uri] = query_of(answer.headers["Location"])["redirect_uri"]
        assert uri == "https://app.example/auth/callback/demo"
