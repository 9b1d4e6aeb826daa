"""The mark that a completed login leaves in its cookie."""

from __future__ import annotations

from typing import Any

import pytest

from flask_oauthclient.protocol.errors import MismatchingStateError
from flask_oauthclient.storage.sealing import Sealer
from flask_oauthclient.storage.state import Browser
from flask_oauthclient.storage.state import PendingLogins


def test_session_entry_that_another_tab_brought_back_completes_nothing() -> None:
    cookies: dict[str, str] = {}
    session: dict[str, Any] = {}

    def set_cookie(name: str, value: str, seconds: int) -> None:
        cookies[name] = value

    browser = Browser(session, cookies, "rp.test", False, set_cookie)
    one, other = PendingLogins(Sealer(["k" * 32])), PendingLogins(Sealer(["k" * 32]))
    one.keep(browser, "demo", "state", {"nonce": "n"})
    entry = dict(session)
    assert one.take(browser, "demo", "state") == {"nonce": "n"}
    session.update(entry)
    with pytest.raises(MismatchingStateError) as caught:
        other.take(browser, "demo", "state")  # a worker that has not seen the first callback
    assert caught.value.error == "state_used"
