"""The tables of faults of a login, which Flask over requests runs beside them."""

from __future__ import annotations

import pytest

from tests.helpers.cases import Case
from tests.helpers.world import World
from tests.login import callback_form_cases
from tests.login import callback_query_cases
from tests.login import conformance_login
from tests.login import conformance_session
from tests.login import pending_cases
from tests.login import state_cases
from tests.login import test_authorization_request as authorization_request
from tests.login import test_client_authentication as client_authentication
from tests.login import test_logs_and_errors as logs_and_errors
from tests.login import test_resources as resources
from tests.login import test_settings as settings
from tests.login import test_token_endpoint as token_endpoint

#: Each test with the modules of its tables.
TABLES = {
    "test_callback": (callback_query_cases, callback_form_cases),
    "test_state": (state_cases, pending_cases),
    "test_token_endpoint": (token_endpoint,),
    "test_conformance": (conformance_login, conformance_session),
    "test_request_and_client": (authorization_request, client_authentication, settings),
    "test_resources_and_logs": (resources, logs_and_errors),
}


def rows(test: str) -> pytest.MarkDecorator:
    """Run a test for each row of its tables."""
    params = [param for module in TABLES[test] for param in module.cases.params()]
    return pytest.mark.parametrize("case", params)


pytestmark = pytest.mark.edges("flask-httpx", "django")


@rows("test_callback")
def test_callback(case: Case, world: World) -> None:
    case(world)


@rows("test_state")
def test_state(case: Case, world: World) -> None:
    case(world)


@rows("test_token_endpoint")
def test_token_endpoint(case: Case, world: World) -> None:
    case(world)


@pytest.mark.own_keys
@rows("test_conformance")
def test_conformance(case: Case, world: World) -> None:
    case(world)


@rows("test_request_and_client")
def test_request_and_client(case: Case, world: World) -> None:
    case(world)


@rows("test_resources_and_logs")
def test_resources_and_logs(case: Case, world: World) -> None:
    case(world)
