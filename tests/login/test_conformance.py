"""The client test modules of the OpenID Foundation's conformance suite, for the code flow.

Each test has the name of a module: the provider does what the module's does, and the client has to
do what the module requires. Those about logout and third-party-initiated login are beside the
blueprint's tests. Modules about dynamic registration, WebFinger, request objects, session
management, mutual TLS, encryption, aggregated and distributed claims, and the bearer token in the
body belong to features that do not exist here.
"""

from __future__ import annotations

import pytest

from flask_oauthclient.testing.provider import KeyRing
from tests.helpers.cases import Case
from tests.helpers.world import World

from . import conformance_login
from . import conformance_session

CASES = [*conformance_login.cases.params(), *conformance_session.cases.params()]


@pytest.fixture
def provider_keys() -> KeyRing:
    """The keys change here, so these tests share them with no others."""
    return KeyRing()


@pytest.mark.parametrize("case", CASES)
def test_conformance(case: Case, world: World) -> None:
    case(world)
