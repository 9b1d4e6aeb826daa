"""A registered client in Flask."""

from __future__ import annotations

from typing import Any

from ..registry.login import LoginApp
from ..requests_client.oauth2_session import OAuth2Session


class FlaskRemoteApp(LoginApp):
    """A client of one provider: ``oauth.<name>``."""

    client_cls = OAuth2Session

    @property
    def token(self) -> Any:
        """The user's token: what this request has used, or what ``fetch_token`` gives.

        It may be set, for the rest of the request.
        """
        token = self.framework.current_token()
        if token is None:
            token = self.framework.fetch_token()
            self.framework.set_current_token(token)
        return token

    @token.setter
    def token(self, token: Any) -> None:
        self.framework.set_current_token(token)


class FlaskOAuth2App(FlaskRemoteApp):
    """A client of an OAuth 2 provider."""
