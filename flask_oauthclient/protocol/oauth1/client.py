"""The part of an OAuth 1.0a session that is the same for every HTTP library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import ClassVar

from ..errors import InvalidSettingError
from ..errors import MismatchingStateError
from ..errors import MissingRequestTokenError
from ..errors import MissingTokenError
from ..messages import Exchange
from ..urls import add_params
from ..urls import callback_pairs
from .callback import check_callback
from .callback import parse_callback
from .client_auth import ClientAuth
from .credentials import Params
from .credentials import pairs
from .credentials import temporary_credentials_exchange
from .credentials import token_credentials_exchange
from .placement import Realm
from .signature import SignatureMethod
from .token import OAuth1Token


class OAuth1Client:
    """Settings of a client, and what follows from them without a network.

    The parameters are those of :class:`ClientAuth`; ``self.auth`` is the signer.

    :param require_callback_confirmed: refuse temporary credentials of a server that does not
        confirm the callback (RFC 5849 section 2.1).
    :raises InvalidSettingError: (a ``ValueError``) without a ``client_id``.
    """

    #: The class of the signer.
    auth_class: ClassVar[type[ClientAuth]] = ClientAuth

    def __init__(
        self,
        client_id: str,
        client_secret: str | None = None,
        *,
        require_callback_confirmed: bool = False,
        **settings: Any,
    ) -> None:
        if not client_id:
            raise InvalidSettingError("missing_configuration", 'Missing "client_id"')
        self.auth: Any = self.auth_class(client_id, client_secret, **settings)
        self.require_callback_confirmed = require_callback_confirmed

    @classmethod
    def register_signature_method(cls, name: str, sign: SignatureMethod) -> None:
        """Make a signature method known; see :meth:`ClientAuth.register_signature_method`."""
        cls.auth_class.register_signature_method(name, sign)

    # -- settings -------------------------------------------------------------------------

    @property
    def redirect_uri(self) -> str | None:
        """Where the authorization sends the browser; sent as ``oauth_callback`` while set."""
        redirect_uri: str | None = self.auth.redirect_uri
        return redirect_uri

    @redirect_uri.setter
    def redirect_uri(self, uri: str | None) -> None:
        self.auth.redirect_uri = uri

    @property
    def token(self) -> dict[str, Any]:
        """Token, secret and verifier in use, each ``None`` if there is none.

        Set ``None`` to clear them, or a dict with ``oauth_token`` to update what it has.
        """
        return OAuth1Token(
            oauth_token=self.auth.token,
            oauth_token_secret=self.auth.token_secret,
            oauth_verifier=self.auth.verifier,
        )

    @token.setter
    def token(self, token: Mapping[str, Any] | None) -> None:
        if token is None:
            self.auth.token = self.auth.token_secret = self.auth.verifier = None
            return
        if "oauth_token" not in token:
            raise MissingTokenError("missing_token", "The token has no oauth_token.")
        self.auth.token = token["oauth_token"]
        self.auth.token_secret = token.get("oauth_token_secret", self.auth.token_secret)
        self.auth.verifier = token.get("oauth_verifier", self.auth.verifier)

    # -- the authorization ----------------------------------------------------------------

    def create_authorization_url(
        self, url: str, request_token: str | None = None, **kwargs: Any
    ) -> str:
        """Build the URL that the browser is sent to (RFC 5849 section 2.2).

        :param url: the authorization endpoint.
        :param request_token: default is the token in use.
        :param kwargs: further parameters.
        :raises MissingRequestTokenError: if there is none.
        """
        kwargs["oauth_token"] = request_token or self.auth.token
        if not kwargs["oauth_token"]:
            raise MissingRequestTokenError
        if self.auth.redirect_uri:
            kwargs["oauth_callback"] = self.auth.redirect_uri
        return add_params(url, pairs(kwargs))

    def parse_authorization_response(self, url: str) -> dict[str, Any]:
        """Read the URL that the browser was sent back to, and take over token and verifier.

        :param url: the whole URL.
        :returns: its parameters.
        :raises CallbackError: if it is malformed or repeats parameters.
        :raises AuthorizationError: if it reports a refusal, whatever else it carries.
        :raises MissingTokenError: if there is no ``oauth_token``.
        :raises MismatchingStateError: if it is about another request token than the one in use:
            that is somebody else's authorization.
        """
        found = callback_pairs(url)
        response = parse_callback(found)
        check_callback(response)
        if not response.oauth_token:
            raise MissingTokenError("missing_token", "The callback has no oauth_token.")
        if self.auth.token not in (None, response.oauth_token):
            raise MismatchingStateError
        # No more than these: who sends a browser here must not choose the secret.
        self.auth.token, self.auth.verifier = response.oauth_token, response.oauth_verifier
        return OAuth1Token(found)

    # -- the exchanges --------------------------------------------------------------------

    def request_token_exchange(
        self,
        url: str,
        realm: Realm = None,
        *,
        params: Params = None,
        data: Params = None,
        headers: Mapping[str, str] | None = None,
        require_callback_confirmed: bool | None = None,
        insecure_http: bool = False,
    ) -> Exchange[OAuth1Token]:
        """Ask for a request token and take it over; a session drives this.

        :param url: the endpoint for temporary credentials.
        :param realm: realm of this one request, or several.
        :param require_callback_confirmed: default is the client's setting.

        The other parameters are those of :func:`temporary_credentials_exchange`.
        """
        if require_callback_confirmed is None:
            require_callback_confirmed = self.require_callback_confirmed
        token = yield from temporary_credentials_exchange(
            self._signer(realm),
            url,
            params=params,
            data=data,
            headers=headers,
            require_callback_confirmed=require_callback_confirmed,
            insecure_http=insecure_http,
        )
        self._take_over(token)
        return token

    def access_token_exchange(
        self,
        url: str,
        verifier: str | None = None,
        *,
        realm: Realm = None,
        params: Params = None,
        data: Params = None,
        headers: Mapping[str, str] | None = None,
        insecure_http: bool = False,
    ) -> Exchange[OAuth1Token]:
        """Ask for an access token and take it over; a session drives this.

        :param url: the endpoint for token credentials.
        :param verifier: default is the one in use.
        :param realm: realm of this one request, or several.

        The other parameters are those of :func:`token_credentials_exchange`.
        """
        if verifier:
            self.auth.verifier = verifier
        token = yield from token_credentials_exchange(
            self._signer(realm),
            url,
            params=params,
            data=data,
            headers=headers,
            insecure_http=insecure_http,
        )
        self._take_over(token)
        return token

    def _signer(self, realm: Realm) -> ClientAuth:
        signer: ClientAuth = self.auth
        return signer.replaced(realm=realm) if realm else signer

    def _take_over(self, token: OAuth1Token) -> None:
        self.token = token
        self.auth.verifier = None  # it is good for one token (section 2.3)
