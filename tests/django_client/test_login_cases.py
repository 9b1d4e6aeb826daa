"""The tables of faults of a login, at a site on Django."""

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

TABLES = (
    callback_form_cases,
    callback_query_cases,
    conformance_login,
    conformance_session,
    pending_cases,
    state_cases,
    authorization_request,
    client_authentication,
    logs_and_errors,
    resources,
    settings,
    token_endpoint,
)
CASES = [case for table in TABLES for case in table.cases.params()]


@pytest.mark.parametrize("case", CASES)
def test_login(case: Case, django_world: World) -> None:
    case(django_world)
