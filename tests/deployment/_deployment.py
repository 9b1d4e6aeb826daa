"""A running application with its proxy, and browsers that visit it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.parse import urlunsplit

import requests
from requests.adapters import HTTPAdapter

from flask_oauthclient.testing.browser import ScriptedBrowser
from tests.deployment._app import HOST
from tests.servers.nginx import Front


class _Resolved(HTTPAdapter):
    """Finds a host at a port of this machine, as a name server would."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """Send a request there; the answer is to the request as it was."""
        sent, parts = request.copy(), urlsplit(request.url or "")
        sent.headers.setdefault("Host", parts.netloc)
        sent.url = urlunsplit(parts._replace(netloc=f"127.0.0.1:{self._port}"))
        response = super().send(sent, *args, **kwargs)
        response.request, response.url = request, request.url or ""
        return response


@dataclass(frozen=True, slots=True)
class Deployment:
    """A running application."""

    #: Where browsers find it.
    url: str
    front: Front
    ca_bundle: Path
    log: Path
    _stack: ExitStack

    def browser(self) -> ScriptedBrowser:
        """A browser that has not been here before."""
        browser = ScriptedBrowser(verify=str(self.ca_bundle), allow_network=True)
        browser.session.mount(f"https://{HOST}/", _Resolved(self.front.https))
        browser.session.mount(f"http://{HOST}/", _Resolved(self.front.http))
        return self._stack.enter_context(browser)

    def warnings(self) -> list[str]:
        """What all workers have warned of, a line each."""
        return self.log.read_text().splitlines()
