"""What an OAuth 1.0a session does, as steps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl
from urllib.parse import unquote_plus

from ..protocol.messages import Exchange
from ..protocol.messages import Request
from ..protocol.messages import Response
from ..protocol.oauth1.client import OAuth1Client
from ..protocol.oauth1.placement import FORM
from ..protocol.oauth1.placement import SIGNATURE_TYPE_HEADER
from ..protocol.oauth1.placement import media_type
from ..protocol.oauth1.signature import SIGNATURE_HMAC_SHA1
from ..protocol.oauth1.token import OAuth1Token
from ..protocol.oauth1.token import parse_token_response
from ..transport._run import Steps
from ..transport._run import sent
from .blocking import Blocking
from .blocking import blocking
from .calls import CallKeywords
from .flavour import Flavour

#: Protocol parameters, which a request that is signed anew gets anew (RFC 5849 section 3.1).
_PROTOCOL_PARAMS = frozenset(
    [
        "oauth_body_hash",
        "oauth_callback",
        "oauth_consumer_key",
        "oauth_nonce",
        "oauth_signature",
        "oauth_signature_method",
        "oauth_timestamp",
        "oauth_token",
        "oauth_verifier",
        "oauth_version",
    ]
)


class OAuth1Steps(OAuth1Client, Flavour):
    """A client that gets credentials and signs requests; a session class has the parameters."""

    #: The class of the HTTP library; its constructor takes the keywords that are none of ours.
    http_class: type[Any]
    #: The keywords of the HTTP library in calls that get credentials.
    call_keywords: CallKeywords
    #: Whether credentials may travel to any http URL.
    insecure_http: bool
    #: Sends a request of the protocol: gives its response, or an awaitable of it.
    send_message: Callable[..., Any]

    def __init__(
        self,
        client_id: str,
        client_secret: str | None = None,
        token: str | None = None,
        token_secret: str | None = None,
        redirect_uri: str | None = None,
        rsa_key: Any = None,
        verifier: str | None = None,
        signature_method: str = SIGNATURE_HMAC_SHA1,
        signature_type: str = SIGNATURE_TYPE_HEADER,
        force_include_body: bool = False,
        realm: str | None = None,
        *,
        require_callback_confirmed: bool = False,
        **kwargs: Any,
    ) -> None:
        self.http_class.__init__(self, **kwargs)
        OAuth1Client.__init__(
            self,
            client_id,
            client_secret,
            token=token,
            token_secret=token_secret,
            redirect_uri=redirect_uri,
            rsa_key=rsa_key,
            verifier=verifier,
            signature_method=signature_method,
            signature_type=signature_type,
            realm=realm,
            force_include_body=force_include_body,
            require_callback_confirmed=require_callback_confirmed,
        )
        self.auth.insecure_http = self.insecure_http

    @abstractmethod
    def as_sent(self, url: str, params: Any) -> str:
        """An endpoint's URL as the HTTP library will write it: the signature covers all of it.

        :param url: the endpoint.
        :param params: parameters of the query, as the HTTP library takes them.
        """

    def request_token_steps(
        self, url: str, realm: str | list[str] | None = None, **kwargs: Any
    ) -> Steps[OAuth1Token]:
        """Get temporary credentials (RFC 5849 section 2.1) and keep them.

        :param url: the temporary credential endpoint.
        :param realm: realm of this request, one or a list.
        :param kwargs: ``params``, ``data`` and ``headers`` of the request, which are signed with
            it; and keywords of the HTTP library for this call, such as ``timeout``.
        :raises OAuthError: if the server refuses or its answer cannot be used.
        """
        settings = self.signed_settings(kwargs)
        exchange = self.request_token_exchange(
            self._endpoint(url, kwargs), realm, insecure_http=self.insecure_http, **kwargs
        )
        return self.exchange_steps(exchange, **settings)

    def access_token_steps(
        self, url: str, verifier: str | None = None, **kwargs: Any
    ) -> Steps[OAuth1Token]:
        """Trade the temporary credentials for token credentials (section 2.3) and keep those.

        :param url: the token endpoint.
        :param verifier: default is the one of the authorization response.
        :param kwargs: as for the temporary credentials.
        :raises OAuthError: without a verifier, or if the server refuses or its answer cannot be
            used.
        """
        settings = self.signed_settings(kwargs)
        exchange = self.access_token_exchange(
            self._endpoint(url, kwargs), verifier, insecure_http=self.insecure_http, **kwargs
        )
        return self.exchange_steps(exchange, **settings)

    def exchange_steps(
        self, exchange: Exchange[OAuth1Token], **settings: Any
    ) -> Steps[OAuth1Token]:
        """The steps of an exchange.

        :param exchange: the exchange.
        :param settings: keywords of the HTTP library for this call.
        """

        def send(request: Request) -> Any:
            return self.send_message(request, insecure_http=self.insecure_http, **settings)

        return sent(exchange, send)

    def parse_response_token(self, status_code: int, text: str) -> OAuth1Token:
        """Read the answer to a request for temporary or token credentials.

        :param status_code: the status of the response.
        :param text: its body.
        :returns: the credentials; they are not kept.
        :raises OAuthError: if there are none.
        """
        response = Response(status_code, {}, text.encode("utf-8", "replace"))
        return parse_token_response(response, self.auth.secrets())

    def transport_settings(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Take the HTTP library's keywords out of those of a call."""
        return self.call_keywords.take(kwargs)

    def signed_settings(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The same for a request for credentials, which has nothing but its parts besides.

        :raises UnknownOptionError: for a keyword that is no part of a request.
        """
        return self.call_keywords.take_signed(kwargs)

    def _endpoint(self, url: str, kwargs: dict[str, Any]) -> str:
        if isinstance(kwargs.get("data"), bytes):
            kwargs["data"] = kwargs["data"].decode("utf-8", "replace")
        return self.as_sent(url, _read_query(kwargs.pop("params", None)))


class BlockingOAuth1(Blocking, OAuth1Steps):
    """The same with methods that block."""

    fetch_request_token = blocking(OAuth1Steps.request_token_steps)
    fetch_access_token = blocking(OAuth1Steps.access_token_steps)

    def run_exchange(self, exchange: Exchange[OAuth1Token], **settings: Any) -> OAuth1Token:
        """Drive an exchange.

        :param exchange: the exchange.
        :param settings: keywords of the HTTP library for this call.
        """
        return self.drive(self.exchange_steps(exchange, **settings))


def _read_query(params: Any) -> Any:
    """Parameters as HTTP libraries take them: a mapping, pairs, or a query that is written."""
    if isinstance(params, bytes):
        params = params.decode("utf-8", "replace")
    return parse_qsl(params, keep_blank_values=True) if isinstance(params, str) else params


# -- redirects ---------------------------------------------------------------------------


def signed_form(content_type: str | None, body: object) -> str | None:
    """The body, if it is a form that carries a signature; octets as Latin-1."""
    if not body or media_type(content_type) != FORM:
        return None
    text = body.decode("latin-1") if isinstance(body, bytes) else body
    return text if isinstance(text, str) and "oauth_signature=" in text else None


def url_without_signature(url: str) -> str:
    """A URL without the protocol parameters of an earlier hop; servers like to repeat a query."""
    base, mark, query = url.partition("?")
    if "oauth_signature=" not in query:
        return url
    query, hash_mark, fragment = query.partition("#")
    kept = without_protocol_params(query)
    return f"{base}{mark if kept else ''}{kept}{hash_mark}{fragment}"


def without_protocol_params(text: str) -> str:
    """A query or form without what a signature adds."""
    pieces = (piece for piece in text.split("&") if piece)
    return "&".join(
        piece for piece in pieces if unquote_plus(piece.partition("=")[0]) not in _PROTOCOL_PARAMS
    )
