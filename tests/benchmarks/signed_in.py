"""Row ``login-required``: what the guard of a view costs a person who is signed in."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator

from flask import Flask
from flask import redirect
from flask import session
from werkzeug.wrappers import Response

from flask_oauthclient import login_required as guarded
from tests.benchmarks._browser import Browser
from tests.benchmarks._browser import CookieJar
from tests.benchmarks._browser import callback_url
from tests.benchmarks._harness import Contender
from tests.benchmarks._harness import Row
from tests.benchmarks._harness import Samples
from tests.benchmarks._harness import Settings
from tests.benchmarks._harness import compare
from tests.benchmarks._processes import provider_process
from tests.benchmarks._served_apps import STARTS
from tests.benchmarks._served_apps import blueprint_app

LIMIT = 30
"""Microseconds of CPU time."""

PATH = "/private"
CONTENT = "the private page"


def login_required(settings: Settings) -> Iterator[Row]:
    """A request for a guarded view, less one for the view alone in an app of bare Flask."""
    with provider_process() as provider:
        app = blueprint_app(provider.issuer)
        app.add_url_rule(PATH, "private", guarded(_private))
        app.add_url_rule("/remember", "remember", _remember)
        jar = _signed_in(app, provider.issuer)
        apps = {"bare": _bare(_private), "by hand": _bare(_guarded_by_hand), "ours": app}
        contenders = {side: _contender(Browser(each, jar)) for side, each in apps.items()}
        samples = compare(contenders, settings.rounds)
    yield Row(
        "login-required",
        "login_required on a signed-in request, microseconds over the bare view",
        None,
        _microseconds(samples, "ours"),
        LIMIT,
        detail=samples.microseconds(),
        others={"by hand": _microseconds(samples, "by hand")},
    )


def _bare(view: Callable[[], str | Response]) -> Flask:
    # The same key: it reads the same cookie, as Flask does before any view.
    app = Flask("bare")
    app.secret_key = "benchmark"
    app.add_url_rule(PATH, "private", view)
    return app


def _private() -> str:
    return CONTENT


def _guarded_by_hand() -> str | Response:
    return _private() if session.get("user") else redirect("/")


def _remember() -> str:
    session["user"] = "248289761001"
    return ""


def _signed_in(app: Flask, issuer: str) -> CookieJar:
    browser = Browser(app)
    started = browser.get(STARTS["ours"])
    browser.get(callback_url(started.location, issuer))
    browser.get("/remember")
    return browser.jar


def _contender(browser: Browser) -> Contender:
    def run(times: int) -> float:
        started = browser.cpu
        for _ in range(times):
            if browser.get(PATH).body.decode() != CONTENT:
                raise RuntimeError("this browser is not signed in")
        return browser.cpu - started

    return run


def _microseconds(samples: Samples, side: str) -> float:
    return round(samples.difference(side, "bare") * 1e6, 1)
