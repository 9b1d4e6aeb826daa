"""Row ``session-get``: an API call of a session that is kept, in a script or a worker."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import requests

from tests.benchmarks._harness import Row
from tests.benchmarks._harness import Samples
from tests.benchmarks._harness import Settings
from tests.benchmarks._harness import compare
from tests.benchmarks._harness import repeat
from tests.benchmarks._processes import environment
from tests.benchmarks._processes import provider_process
from tests.benchmarks._server import API_TOKEN
from tests.benchmarks._server import CLIENT_ID

TOKEN = {"access_token": API_TOKEN, "token_type": "Bearer", "expires_at": 2**31 - 1}

MODULES = {
    "ours": "flask_oauthclient.requests_client",
    "authlib": "authlib.integrations.requests_client",
    "requests-oauthlib": "requests_oauthlib",
}
"""Where each side's ``OAuth2Session`` is."""


def session_call(settings: Settings) -> Iterator[Row]:
    """``session.get(url)`` with a token, over a session that has the header in place."""
    with provider_process() as provider, environment(REQUESTS_CA_BUNDLE=str(provider.ca_bundle)):
        url = f"{provider.api}/userinfo"
        bundle = str(provider.ca_bundle)
        operations = {
            "floor": _plain(url),
            "without-environment": _plain(url, trust_env=False, verify=bundle),
            **{name: _library(name, url) for name in _installed()},
        }
        samples = compare({n: repeat(run) for n, run in operations.items()}, settings.rounds)
    what = "OAuth2Session.get over TLS / a kept requests.Session.get with a header"
    yield _row("session-get", what, samples, "floor", 1.10)
    what = "the same / a session that does not look into the environment"
    yield _row("session-get-bare", what, samples, "without-environment", None)


def _row(name: str, what: str, samples: Samples, floor: str, limit: float | None) -> Row:
    return Row(
        name,
        what,
        samples.ratio("authlib", over=floor),
        samples.ratio("ours", over=floor),
        limit,
        detail=samples.microseconds(),
        others={"requests-oauthlib": samples.ratio("requests-oauthlib", over=floor)},
    )


def _installed() -> list[str]:
    return [name for name, module in MODULES.items() if find_spec(module.split(".")[0])]


def _plain(url: str, **attributes: Any) -> Callable[[], object]:
    session = requests.Session()
    for name, value in attributes.items():
        setattr(session, name, value)
    session.headers["Authorization"] = f"Bearer {API_TOKEN}"
    return lambda: session.get(url).json()


def _library(name: str, url: str) -> Callable[[], object]:
    session: Any = import_module(MODULES[name]).OAuth2Session(CLIENT_ID, token=dict(TOKEN))
    return lambda: session.get(url).json()
