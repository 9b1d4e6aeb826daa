"""What the rows of the tables of cases work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from flask_oauthclient.testing.provider import DevelopmentProvider

from .clock import Clock
from .leaks import Watch
from .site import Site


@dataclass
class World:
    """What a row of a table of cases may need."""

    provider: DevelopmentProvider
    make_site: Callable[..., Site]
    make_cache: Callable[[str], Any]
    watch: Watch
    request: pytest.FixtureRequest

    @property
    def clock(self) -> Clock:
        """See the fixture."""
        clock: Clock = self.request.getfixturevalue("clock")
        return clock

    @property
    def caplog(self) -> pytest.LogCaptureFixture:
        """See pytest."""
        caplog: pytest.LogCaptureFixture = self.request.getfixturevalue("caplog")
        return caplog

    @property
    def patch(self) -> pytest.MonkeyPatch:
        """See pytest."""
        patch: pytest.MonkeyPatch = self.request.getfixturevalue("monkeypatch")
        return patch
