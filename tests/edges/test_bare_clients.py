"""Callbacks and states that a client without a registry is given: rows C and S, in every library.

The rows T are those of ``tests/sessions``.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlencode

import pytest

from flask_oauthclient import OAuthError
from flask_oauthclient.testing.browser import Visit
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.helpers.rejection import PROVIDER_TEXT
from tests.helpers.rejection import assert_typed
from tests.helpers.site import ISSUER
from tests.helpers.urls import query_of
from tests.helpers.urls import with_params

from ._bare_site import BareSite

pytestmark = pytest.mark.edges("requests", "httpx", "asyncio", "trio")

DENIED = {"error": "access_denied", "error_description": PROVIDER_TEXT, "code": None}

#: Row -> how the callback differs, the code of the error, and what was sent before it.
REJECTED: dict[str, tuple[dict[str, str | None], str, list[str]]] = {
    "S01-absent": ({"state": None}, "mismatching_state", []),
    "S01-empty": ({"state": ""}, "mismatching_state", []),
    "S02-of-our-length": ({"state": "x" * 30}, "mismatching_state", []),
    "S02-long": ({"state": "x" * 10_000}, "mismatching_state", []),
    "S02-not-ascii": ({"state": "\u00e9" * 30}, "mismatching_state", []),
    "S02-nul": ({"state": "\x00"}, "mismatching_state", []),
    "C01": ({**DENIED}, "access_denied", []),
    "C01-login-required": ({**DENIED, "error": "login_required"}, "login_required", []),
    "C02-forged": ({**DENIED, "state": "x" * 30}, "mismatching_state", []),
    "C02-absent": ({**DENIED, "state": None}, "mismatching_state", []),
    "C03-other": ({**DENIED, "iss": "https://evil.test"}, "mismatching_iss", []),
    "C03-slash": ({**DENIED, "iss": f"{ISSUER}/"}, "mismatching_iss", []),
    "C03-absent": ({**DENIED, "iss": None}, "missing_iss", []),
    "C04": ({**DENIED, "error_description": "<script>"}, "access_denied", []),
    "C05": ({**DENIED, "error_description": "a\r\nb\x1b[31m"}, "access_denied", []),
    "C08": ({"error": "access_denied"}, "access_denied", []),
    "C09-absent": ({"code": None}, "missing_code", []),
    "C09-empty": ({"code": ""}, "missing_code", []),
    "C10": ({"iss": None}, "missing_iss", []),
    "C11": ({"iss": "https://evil.test"}, "mismatching_iss", []),
    "C12-slash": ({"iss": f"{ISSUER}/"}, "mismatching_iss", []),
    "C12-case": ({"iss": "https://OP.test"}, "mismatching_iss", []),
    "C12-port": ({"iss": f"{ISSUER}:443"}, "mismatching_iss", []),
    "C12-empty": ({"iss": ""}, "mismatching_iss", []),
    "C21-long": ({"code": "x" * 8192}, "invalid_grant", ["/token"]),
    "C21-crlf": ({"code": "a\r\nHost: evil"}, "invalid_grant", ["/token"]),
}


@pytest.fixture
def bare(edge: str, provider: DevelopmentProvider) -> Iterator[BareSite]:
    """A script with a client of the edge."""
    with ExitStack() as stack:
        yield BareSite(edge, provider, stack)


def rejected(site: BareSite, visit: Visit, code: str, sent: list[str]) -> OAuthError:
    """Hand over a callback that must be rejected."""
    before = site.client.token
    response = site.finish(visit)
    assert response.text == code
    assert_typed(site.error, code)
    assert 400 <= response.status_code < 600
    assert site.outbound.paths == sent
    assert site.tokens == []
    assert site.client.token == before
    assert PROVIDER_TEXT not in f"{site.error} {site.error!r} {site.error.args}"
    return site.error


@pytest.mark.parametrize(
    ("changes", "code", "sent"), [pytest.param(*row, id=name) for name, row in REJECTED.items()]
)
def test_callback(
    bare: BareSite, changes: dict[str, str | None], code: str, sent: list[str]
) -> None:
    error = rejected(bare, with_params(bare.begin(), **changes), code, sent)
    assert str(error.detail.get("error_description", "")).isprintable()
    if code != changes.get("error", "access_denied"):
        assert PROVIDER_TEXT not in repr(error.detail)


@pytest.mark.parametrize("name", ["code", "state", "iss", "error"], ids="C06-{}".format)
def test_parameter_that_is_repeated(bare: BareSite, name: str) -> None:
    visit = bare.begin()
    value = query_of(visit.url).get(name, ["x"])[0]
    twice = urlencode([(name, value)] * (1 if name in query_of(visit.url) else 2))
    bare.finish(Visit("GET", f"{visit.url}&{twice}"))
    assert type(bare.error) is not OAuthError
    assert bare.outbound.paths == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda site, visit: with_params(visit, session_state="x", a="b"), id="C20"),
        pytest.param(
            lambda site, visit: with_params(visit, id_token="eyJ.e30.", x="y"), id="C18-id-token"
        ),
        pytest.param(
            lambda site, visit: with_params(visit, access_token="injected"), id="C18-token"
        ),
    ],
)
def test_callback_with_more_in_it(
    bare: BareSite, change: Callable[[BareSite, Visit], Visit]
) -> None:
    assert bare.finish(change(bare, bare.begin())).status_code == 200
    assert bare.tokens[-1]["access_token"] != "injected"
    assert bare.outbound.paths == ["/token"]


def test_every_bit_of_the_state_counts(bare: BareSite) -> None:
    visit = bare.begin()
    state = query_of(visit.url)["state"][0]
    for place in range(0, len(state), 5):
        flipped = state[:place] + chr(ord(state[place]) ^ 1) + state[place + 1 :]
        rejected(bare, with_params(visit, state=flipped), "mismatching_state", [])
    assert bare.finish(visit).status_code == 200


def test_stolen_code(bare: BareSite, edge: str, provider: DevelopmentProvider) -> None:
    # C24: the code of one login, brought to another.
    stolen = query_of(bare.begin().url)["code"][0]
    visit = with_params(bare.begin(), code=stolen)
    rejected(bare, visit, "invalid_grant", ["/token"])
    assert edge
    assert provider.log.count("token") == 1
