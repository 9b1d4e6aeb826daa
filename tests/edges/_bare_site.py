"""The same logins without a site: a script with a client of one of the HTTP libraries.

What a script has done with a login it knows by itself: there is no session, and nobody but it who
could use a login up.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import requests
from requests.adapters import BaseAdapter

from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.random import generate_token
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.browser import Visit
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.helpers.outbound import Outbound
from tests.helpers.site import CLIENT_ID
from tests.helpers.site import CLIENT_SECRET
from tests.helpers.site import ISSUER
from tests.helpers.site import ORIGIN
from tests.helpers.site import SCOPE
from tests.sessions._edges import EDGES


class _Answers(BaseAdapter):
    """The line to the provider, for the clients of every library."""

    def __init__(self, outbound: Outbound) -> None:
        super().__init__()
        self.outbound = outbound

    def send(self, request: requests.PreparedRequest, *args: Any, **settings: Any) -> Any:  # type: ignore[override]
        return self.outbound.send(request, *args, **settings)

    def take(self, sent: Any, settings: Mapping[str, Any]) -> Any:
        """Send what a client of httpx2 sends."""
        request = requests.Request(sent.method, sent.url, sent.headers, data=sent.body).prepare()
        response = self.outbound.send(request)
        return SimpleNamespace(
            status=response.status_code, all_headers=response.headers, body=response.content
        )

    def close(self) -> None:
        """Do nothing."""


class BareSite:
    """A script, its client, the browser of who runs it, and what happened so far.

    :param edge: the library of the client, or the event loop that it awaits in.
    :param provider: the provider.
    :param stack: closes everything.
    """

    origin = ORIGIN

    def __init__(self, edge: str, provider: DevelopmentProvider, stack: ExitStack) -> None:
        self.provider = provider
        self.errors: list[OAuthError] = []
        self.tokens: list[Any] = []
        self.outbound = Outbound({ISSUER: provider.adapter()})
        uris = (self.callback_url(), f"{self.callback_url()}?from=op")
        provider.add_client(ClientRecord(CLIENT_ID, CLIENT_SECRET, redirect_uris=uris))
        at = EDGES[edge](edge, stack)
        self.client = at.session(
            _Answers(self.outbound),
            at.OAuth2,
            CLIENT_ID,
            CLIENT_SECRET,
            scope=SCOPE,
            redirect_uri=self.callback_url(),
            code_challenge_method="S256",
            issuer=ISSUER,
            token_endpoint=f"{ISSUER}/token",
            authorization_response_iss_parameter_supported=True,
        )
        self.browser = stack.enter_context(ScriptedBrowser({ISSUER: provider.wsgi}))
        self._verifier = self._state = ""

    @staticmethod
    def callback_url(name: str = "demo") -> str:
        """The redirect URI."""
        return f"{ORIGIN}/callback/{name}"

    def begin(self) -> Visit:
        """Go through a login up to the visit of the callback."""
        self._verifier = generate_token(48)
        url, self._state = self.client.create_authorization_url(
            f"{ISSUER}/authorize", code_verifier=self._verifier
        )
        page = self.browser.sign_in(url, stop_before=self.callback_url())
        return page.history[-1]

    def finish(self, visit: Visit) -> Any:
        """Hand the callback to the client.

        :returns: what a site would answer.
        """
        try:
            token = self.client.fetch_token(
                authorization_response=visit.url, state=self._state, code_verifier=self._verifier
            )
        except OAuthError as error:
            self.errors.append(error)
            return SimpleNamespace(status_code=error.http_status, text=error.error)
        self.tokens.append(token)
        return SimpleNamespace(status_code=200, text="")

    @property
    def error(self) -> OAuthError:
        """The error that came last."""
        return self.errors[-1]
