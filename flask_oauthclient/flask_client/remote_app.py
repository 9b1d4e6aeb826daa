"""A registered client in Flask."""

from __future__ import annotations

from typing import Any

from ..protocol.errors import LoginRequired
from ..registry.login import LoginApp
from ..registry.oauth1_app import OAuth1App
from ..registry.remote_app import RemoteApp
from ..registry.remote_app import speaking
from ..requests_client.oauth1_session import OAuth1Session
from ..requests_client.oauth2_session import OAuth2Session


class FlaskRemoteApp(RemoteApp):
    """A client of one provider: ``oauth.<name>``.

    A class of an application's own that derives from this one serves OAuth 1.0a and OAuth 2
    alike: which of them it speaks is decided when it is registered, by its options.
    """

    @property
    def token(self) -> Any:
        """The user's token: what this request has used, what ``fetch_token`` gives, or what the
        store of tokens has; ``None`` without one.

        It may be set, for the rest of the request.
        """
        try:
            return self.find_token().token
        except LoginRequired:  # nobody is signed in
            return None

    @token.setter
    def token(self, token: Any) -> None:
        self.framework.set_current_token(token)


class FlaskOAuth1App(FlaskRemoteApp, OAuth1App):
    """A client of an OAuth 1.0a provider."""

    client_cls = OAuth1Session


class FlaskOAuth2App(FlaskRemoteApp, LoginApp):
    """A client of an OAuth 2 or OpenID Connect provider."""

    client_cls = OAuth2Session


def class_for(given: type[Any], *, oauth1: bool) -> type[Any]:
    """The class to build a client of.

    :param given: the class that was registered.
    :param oauth1: whether the client speaks OAuth 1.0a.
    :returns: ``given`` itself if it speaks a protocol, else a class that adds one to it.
    """
    classes: Any = given, FlaskRemoteApp, FlaskOAuth1App if oauth1 else FlaskOAuth2App
    found: type[Any] = speaking(*classes)
    return found
