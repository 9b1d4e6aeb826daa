"""Fixtures of the interop tests."""

from __future__ import annotations

import pytest

from flask_oauthclient.testing.browser import Page

from ..helpers.leaks import Watch
from .visitor import Visitor


@pytest.fixture(autouse=True)
def _nothing_of_a_login_is_logged(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell the watch of the codes and tokens, which it cannot know from a foreign provider."""
    see = Visitor._see

    def watched(self: Visitor, page: Page) -> Page:
        see(self, page)
        watch.secret(*self.secrets())
        return page

    monkeypatch.setattr(Visitor, "_see", watched)
