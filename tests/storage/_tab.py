"""A browser as the store of pending logins sees it, without a web framework."""

from __future__ import annotations

import copy
import json
from typing import Any

from flask_oauthclient.storage.login_cookie import is_login_cookie
from flask_oauthclient.storage.state import Browser


class FakeBrowser:
    """Keeps a session and cookies between requests."""

    def __init__(self, host: str = "rp.test", *, secure: bool = True) -> None:
        self.session: dict[str, Any] = {}
        self.cookies: dict[str, str] = {}
        self.lifetimes: dict[str, int] = {}
        self.host = host
        self.secure = secure

    def request(self) -> Browser:
        """One request, whose answer is taken in at once."""
        return Browser(
            session=self.session,
            cookies=dict(self.cookies),
            host=self.host,
            secure=self.secure,
            set_cookie=self._set_cookie,
        )

    def _set_cookie(self, name: str, value: str, seconds: int) -> None:
        self.lifetimes[name] = seconds
        if seconds:
            self.cookies[name] = value
        else:
            self.cookies.pop(name, None)

    def copy(self) -> FakeBrowser:
        """The same browser at this moment, as another tab or a thief has it."""
        return copy.deepcopy(self)

    @property
    def pending(self) -> list[str]:
        """The logins' entries in the session."""
        return [key for key in self.session if key.startswith("_state_")]

    @property
    def login_cookies(self) -> dict[str, str]:
        return {n: v for n, v in self.cookies.items() if is_login_cookie(n) and v != "used"}

    def session_size(self) -> int:
        return len(json.dumps(self.session))
