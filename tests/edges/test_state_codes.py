"""The ways in which a pending login can be missing, at every edge."""

# ruff: noqa: F403  the tests of that module, once more
from __future__ import annotations

import pytest

from tests.login.test_state_codes import *

pytestmark = pytest.mark.edges("flask-httpx", "django")
