"""What a token endpoint may answer to a login: the rows T that the sessions have, in a login."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest

from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.helpers.cases import Case
from tests.helpers.cases import Cases
from tests.helpers.rejection import assert_rejected
from tests.helpers.rejection import assert_typed
from tests.helpers.world import World
from tests.sessions._answers import Answer
from tests.sessions.test_answers import DOCUMENTS

pytestmark = pytest.mark.edges("flask", "flask-httpx", "django")

cases = Cases()
MIB = 1024 * 1024
#: Rows whose code the table of the sessions leaves open.
_CODES = {"T10-missing": "missing_access_token", "T20": "invalid_grant"}


def _row(name: str, given: Answer, code: str) -> None:
    @cases.row(name)
    def answer_that_is_no_token(world: World) -> None:
        world.provider.faults.on("token").respond(given.status, given.body, given.all_headers)
        site = world.make_site()
        error = assert_rejected(site, site.begin(), code, sent=["/token"])
        error.detail.pop("error_description", None)  # the only place for the provider's words
        assert "private words" not in f"{error} {error!r} {vars(error)}"


for _name, (_given, _code) in DOCUMENTS.items():
    _row(_name, _given, _code or _CODES[_name])


@cases.rows(
    "T03",
    {
        "plain": "http://op.test/token",
        "user-info": "http://localhost:80@attacker.test/token",
        "subdomain": "http://localhost.attacker.test/token",
        "ftp": "ftp://op.test/token",
    },
)
def endpoint_where_everybody_listens(world: World, url: str) -> None:
    site = world.make_site(register={"access_token_url": url})
    assert_rejected(site, site.begin(), "insecure_transport")


@cases.rows(
    "T06",
    {
        "stated": lambda p: p.faults.on("token").respond(200, b" " * 2 * MIB),
        "endless": lambda p: p.faults.on("token").endless(),
    },
)
def answer_without_end(world: World, fault: Callable[[DevelopmentProvider], object]) -> None:
    fault(world.provider)
    site = world.make_site()
    assert_rejected(site, site.begin(), "response_too_large", sent=["/token"])


@cases.row("T07")
def answer_that_grows_when_it_is_unpacked(world: World) -> None:
    packed = gzip.compress(b" " * 64 * MIB)
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    world.provider.faults.on("token").respond(200, packed, headers)
    site = world.make_site()
    assert_rejected(site, site.begin(), "response_too_large", sent=["/token"])


@cases.rows("T13", ("bearer", "BEARER", "bEARER"))
def type_in_any_case(world: World, kind: str) -> None:
    world.provider.faults.on("token").edit_json(lambda token: {**token, "token_type": kind})
    assert world.make_site().login().status_code == 200


@cases.row("T22-drop")
def connection_that_breaks(world: World) -> None:
    world.provider.faults.on("token").drop()
    site = world.make_site()
    visit = site.begin()
    site.outbound.clear()
    assert site.finish(visit).status_code == 502
    assert_typed(site.error, "provider_unreachable")
    assert site.outbound.paths == ["/token"], "a code is sent once"
    assert site.finish(visit).text == "state_used"


@cases.row("T32")
def form_in_the_place_of_json(world: World) -> None:
    body = b"access_token=x&token_type=bearer&scope=api"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    world.provider.faults.on("token").respond(200, body, headers)
    site = world.make_site(register={"client_kwargs": {"scope": "api"}})
    assert site.login().status_code == 200
    assert site.token["access_token"] == "x"


@pytest.mark.parametrize("case", cases.params())
def test_token_answer(case: Case, world: World) -> None:
    case(world)
