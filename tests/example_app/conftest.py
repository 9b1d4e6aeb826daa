"""The app and its provider on two ports of this machine, and a browser to visit them."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from example_app import create_app
from example_app.development import settings_for
from example_app.login import oauth
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import KeyRing
from flask_oauthclient.testing.provider import serve_wsgi
from tests.example_app._browser import Browser
from tests.example_app._browser import Page


@dataclasses.dataclass
class Demo:
    """Everything that ``python -m example_app`` starts, and one browser."""

    provider: DevelopmentProvider
    flask_app: Flask
    url: str
    browser: Browser

    def open(self, path: str = "/") -> Page:
        return self.browser.open(self.url + path)

    def sign_in(self, person: str = "Alice") -> Page:
        """Sign in from the front page, and look at the profile."""
        page = self.open().click("Sign in with the development provider")
        page = page.click(person).click("Allow")
        return page.click("Profile") if page.has("Profile") else page

    def token(self, person: str = "alice") -> dict[str, Any] | None:
        """What the app has stored for a person."""
        with self.flask_app.app_context():
            token = self._client(person).token
            return None if token is None else dict(token)

    def expire_token(self) -> None:
        """Let the access token of Alice be too old."""
        with self.flask_app.app_context():
            self._client("alice").save_token({**(self.token() or {}), "expires_at": 1})

    def _client(self, person: str) -> Any:
        return oauth.demo.for_account(owner=f"{self.provider.issuer} {person}")

    def calls(self, endpoint: str) -> int:
        return sum(record.endpoint == endpoint for record in self.provider.log)


@pytest.fixture(scope="session")
def example_keys() -> KeyRing:
    """Signing keys are slow to make, and no test here changes them."""
    return KeyRing()


@pytest.fixture
def demo(example_keys: KeyRing, caplog: pytest.LogCaptureFixture) -> Iterator[Demo]:
    caplog.set_level("DEBUG")
    provider = DevelopmentProvider(keys=example_keys)
    with provider.serve() as server:
        flask_app = create_app({**settings_for(server.url), "TESTING": True})
        with serve_wsgi(flask_app) as app_server:
            flask_app.config["OAUTHCLIENT_BASE_URL"] = app_server.url
            yield Demo(provider, flask_app, app_server.url, Browser())
    # urllib3 logs the URLs of the scripted browser too, so only our own loggers count.
    ours = ("example_app", "flask_oauthclient")
    logged = [r.getMessage() for r in caplog.get_records("call") if r.name.startswith(ours)]
    assert not provider.secrets.found_in("\n".join(logged))


@pytest.fixture
def free_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port
