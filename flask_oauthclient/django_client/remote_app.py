"""A registered client in Django."""

# The methods that need to know the visitor take the request first, which those of the classes
# below do not have: a client of Django is no client of another framework.
# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any
from typing import Self

from ..protocol.errors import InvalidSettingError
from ..protocol.errors import LoginRequired
from ..protocol.oidc.claims import UserInfo
from ..registry.async_calls import in_the_thread
from ..registry.login import LoginApp
from ..registry.oauth1_app import OAuth1App
from ..registry.remote_app import RemoteApp
from ..registry.remote_app import speaking
from ..requests_client.oauth1_session import OAuth1Session
from ..requests_client.oauth2_session import OAuth2Session

if TYPE_CHECKING:
    import httpx2


class DjangoRemoteApp(RemoteApp):
    """A client of one provider: ``oauth.<name>``.

    A class of a project's own that derives from this one serves OAuth 1.0a and OAuth 2 alike:
    which of them it speaks is decided when it is registered, by its options.
    """

    _apart = staticmethod(in_the_thread)

    def at(self, request: Any) -> Self:
        """The client for one request: its session, its user, the tokens that it has used.

        ::

            github = oauth.github.at(request)
            github.get("user")
            github.authorized

        :param request: the request.
        :returns: a client that shares everything but that with this one.
        :raises InvalidSettingError: for what is no request.
        """
        framework = self.framework.at(request)
        self.prepare_to_share()
        other = copy.copy(self)
        other.framework = framework
        return other

    @property
    def token(self) -> Any:
        """The token of the user of the request, or of an account: what this request has used, what
        ``fetch_token`` gives, or what the store of tokens has; ``None`` without one.

        It may be set, for the rest of the request.
        """
        try:
            return self.find_token().token
        except LoginRequired:  # nobody is signed in
            return None

    @token.setter
    def token(self, token: Any) -> None:
        self.framework.set_current_token(token)

    def settings_changed(self) -> None:
        """Read the settings anew when they are needed next; a test has changed them."""
        session = vars(self).pop("_session", None)
        kept = {name: vars(self)[name] for name in ("framework", "name")}
        vars(self).clear()
        vars(self).update(kept)
        if session is not None:
            session.close()

    # -- login ----------------------------------------------------------------------------

    def authorize_redirect(
        self, request: Any, redirect_uri: str | None = None, **kwargs: Any
    ) -> Any:
        """Send the browser to the provider.

        :param request: the request.
        :param redirect_uri: where the provider shall send it back to: a URL, or a path, as
            ``reverse()`` gives it; default is the registered one.
        :param kwargs: parameters of the authorization request, and ``extra``: data of the
            application's own (JSON) that :meth:`authorize_access_token` gives back.
        :returns: a 302 response, which sets the login's own cookie.
        :raises OAuthError: if the settings do not suffice, the provider cannot be asked or the
            login cannot be kept.
        """
        bound = self.at(request)
        uri = bound.framework.absolute(redirect_uri or self._options.redirect_uri)
        return super(DjangoRemoteApp, bound).authorize_redirect(uri, **kwargs)

    def save_authorize_data(self, request: Any = None, **data: Any) -> None:
        """Keep the data of a login until its callback.

        :param request: the request.
        :param data: ``state``, and everything to keep.
        :raises MissingConfigurationError: without a state, or without a request.
        :raises StateStoreError: if it cannot be kept.
        """
        bound = self if request is None else self.at(request)
        super(DjangoRemoteApp, bound).save_authorize_data(**data)

    def authorize_access_token(self, request: Any = None, **kwargs: Any) -> Any:
        """Complete a login at the redirect URI.

        :param request: the request.
        :param kwargs: ``claims_options``, ``claims_cls`` and ``leeway`` for the ID token; anything
            else goes to the token request.
        :returns: the token, a dict; ``userinfo`` holds the claims of the verified ID token,
            ``extra`` what :meth:`authorize_redirect` was given.
        :raises OAuthError: a subclass, with a stable code for each cause; nothing else.
        """
        bound = self if request is None else self.at(request)
        of_protocol: Any = super(DjangoRemoteApp, bound)
        return of_protocol.authorize_access_token(**kwargs)

    # -- API calls ------------------------------------------------------------------------

    def request(
        self, method: str, url: str, token: Any = None, request: Any = None, **kwargs: Any
    ) -> Any:
        """Call an API with the user's token.

        :param method: HTTP method.
        :param url: absolute, or relative to ``api_base_url``.
        :param token: default is the stored token of the user of the request.
        :param request: the request, which says whose token it is.
        :param kwargs: as :meth:`requests.Session.request` takes them; ``withhold_token=True``
            sends no token.
        :returns: the response, whatever its status.
        :raises MissingTokenError: if there is no token, or neither token nor request is given.
        :raises InsecureTransportError: if the URL is not one that may see the token.
        :raises requests.RequestException: if the call fails.
        """
        bound = self if request is None else self.at(request)
        return super(DjangoRemoteApp, bound).request(method, url, token, **kwargs)

    async def arequest(
        self, method: str, url: str, token: Any = None, request: Any = None, **kwargs: Any
    ) -> httpx2.Response:
        """Call an API with the user's token, in an asynchronous view.

        :param method: HTTP method.
        :param url: absolute, or relative to ``api_base_url``.
        :param token: as for :meth:`request`.
        :param request: as for :meth:`request`.
        :param kwargs: as :meth:`httpx2.AsyncClient.request` takes them; ``withhold_token`` and
            ``auth`` as for :meth:`request`.
        :returns: the response of httpx2, whatever its status.
        :raises OAuthError: as :meth:`request` does.
        :raises ImportError: without the extra ``httpx``.
        :raises httpx2.HTTPError: if the call fails.
        """
        bound = self if request is None else self.at(request)
        return await super(DjangoRemoteApp, bound).arequest(method, url, token, **kwargs)


class DjangoOAuth1App(DjangoRemoteApp, OAuth1App):
    """A client of an OAuth 1.0a provider."""

    client_cls = OAuth1Session


class DjangoOAuth2App(DjangoRemoteApp, LoginApp):
    """A client of an OAuth 2 or OpenID Connect provider."""

    client_cls = OAuth2Session

    def userinfo(self, request: Any = None, token: Any = None, **kwargs: Any) -> UserInfo:
        """Ask the userinfo endpoint about the user (OpenID Connect Core 5.3).

        :param request: the request, which says whose token it is.
        :param token: default is the stored token of the user of the request.
        :param kwargs: ``timeout``, ``verify``, ``cert``, ``proxies`` of this call.
        :raises MissingEndpointError: if there is no such endpoint.
        :raises UserInfoError: if the answer must not be used, above all if it is about another
            user than the ID token.
        """
        if isinstance(request, Mapping):
            raise InvalidSettingError(
                "invalid_configuration", "userinfo: the request comes first. Pass token=..."
            )
        bound = self if request is None else self.at(request)
        return super(DjangoOAuth2App, bound).userinfo(token, **kwargs)

    def logout_redirect(
        self,
        request: Any,
        post_logout_redirect_uri: str | None = None,
        id_token_hint: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Send the browser to the provider to end its session there.

        End the session here first: the browser need not come back.

        :param request: the request.
        :param post_logout_redirect_uri: where to come back to, a URL or a path; it must be
            registered at the provider.
        :param id_token_hint: the ID token of the login.
        :param kwargs: ``state``, ``client_id``, ``logout_hint``, ``ui_locales``.
        :returns: a 302 response.
        :raises MissingEndpointError: if the provider has no such endpoint.
        """
        bound = self.at(request)
        uri = bound.framework.absolute(post_logout_redirect_uri)
        return super(DjangoOAuth2App, bound).logout_redirect(uri, id_token_hint, **kwargs)

    def validate_logout_response(self, request: Any = None) -> dict[str, Any]:
        """Check that the browser comes back from a logout that this application started.

        :param request: the request.
        :returns: what was kept, with ``post_logout_redirect_uri``.
        :raises CallbackError: if the state is absent, or not one of a logout of this browser.
        """
        bound = self if request is None else self.at(request)
        return super(DjangoOAuth2App, bound).validate_logout_response()


def class_for(given: type[Any], *, oauth1: bool) -> type[Any]:
    """The class to build a client of.

    :param given: the class that was registered.
    :param oauth1: whether the client speaks OAuth 1.0a.
    :returns: ``given`` itself if it speaks a protocol, else a class that adds one to it.
    """
    classes: Any = given, DjangoRemoteApp, DjangoOAuth1App if oauth1 else DjangoOAuth2App
    found: type[Any] = speaking(*classes)
    return found
