"""``OAuth1Session``: a requests session that speaks OAuth 1.0a."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl
from urllib.parse import unquote_plus

import requests

from ..protocol.errors import InsecureTransportError
from ..protocol.messages import Exchange
from ..protocol.messages import Request
from ..protocol.messages import Response
from ..protocol.oauth1.client import OAuth1Client
from ..protocol.oauth1.credentials import pairs
from ..protocol.oauth1.placement import FORM
from ..protocol.oauth1.placement import SIGNATURE_TYPE_HEADER
from ..protocol.oauth1.placement import media_type
from ..protocol.oauth1.signature import SIGNATURE_HMAC_SHA1
from ..protocol.oauth1.token import OAuth1Token
from ..protocol.oauth1.token import parse_token_response
from ..protocol.urls import add_params
from ..transport._run import run
from ..transport.requests import PooledSession
from ..transport.untyped import merge_setting
from .calls import take_signed_settings
from .calls import take_transport_settings
from .oauth1_auth import OAuth1Auth
from .oauth1_auth import signer_of

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


class OAuth1Session(OAuth1Client, PooledSession):
    """A :class:`requests.Session` that signs its requests (RFC 5849).

    :param client_id: the client identifier (``oauth_consumer_key``).
    :param client_secret: the client's shared secret.
    :param token: the token, of temporary or token credentials.
    :param token_secret: its shared secret.
    :param redirect_uri: where the server sends the browser back to, or ``oob``.
    :param rsa_key: private key of the RSA methods, PEM or a key object of ``cryptography``.
    :param verifier: ``oauth_verifier`` of the callback.
    :param signature_method: ``HMAC-SHA1``, ``RSA-SHA1``, ``PLAINTEXT``, or one of their SHA256
        and SHA512 variants.
    :param signature_type: where the signature goes: ``HEADER``, ``QUERY`` or ``BODY``.
    :param force_include_body: sign bodies that are no form too.
    :param realm: realm of the Authorization header.
    :param require_callback_confirmed: refuse temporary credentials without
        ``oauth_callback_confirmed``.
    :param kwargs: attributes of the requests session (``verify``, ``proxies``, ...),
        ``default_timeout`` (seconds), ``max_bytes``, ``insecure_http``.
    :raises InvalidSettingError: (a ``ValueError``) for settings that cannot work.
    """

    auth_class = OAuth1Auth

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
        PooledSession.__init__(self, **kwargs)
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

    # -- credentials ----------------------------------------------------------------------

    def fetch_request_token(
        self, url: str, realm: str | list[str] | None = None, **kwargs: Any
    ) -> OAuth1Token:
        """Get temporary credentials (RFC 5849 section 2.1) and keep them.

        :param url: the temporary credential endpoint.
        :param realm: realm of this request, one or a list.
        :param kwargs: ``params``, ``data`` and ``headers`` of the request, which are signed with
            it; ``timeout``, ``verify``, ``cert``, ``proxies`` of the call.
        :raises OAuthError: if the server refuses or its answer cannot be used.
        """
        settings = take_signed_settings(kwargs)
        exchange = self.request_token_exchange(
            self._endpoint(url, kwargs),
            realm,
            insecure_http=self.insecure_http,
            **kwargs,
        )
        return self.run_exchange(exchange, **settings)

    def fetch_access_token(
        self, url: str, verifier: str | None = None, **kwargs: Any
    ) -> OAuth1Token:
        """Trade the temporary credentials for token credentials (section 2.3) and keep those.

        :param url: the token endpoint.
        :param verifier: default is the one of the authorization response.
        :param kwargs: as for :meth:`fetch_request_token`.
        :raises OAuthError: without a verifier, or if the server refuses or its answer cannot be
            used.
        """
        settings = take_signed_settings(kwargs)
        exchange = self.access_token_exchange(
            self._endpoint(url, kwargs), verifier, insecure_http=self.insecure_http, **kwargs
        )
        return self.run_exchange(exchange, **settings)

    def parse_response_token(self, status_code: int, text: str) -> OAuth1Token:
        """Read the answer to a request for temporary or token credentials.

        :param status_code: the status of the response.
        :param text: its body.
        :returns: the credentials; they are not kept.
        :raises OAuthError: if there are none.
        """
        response = Response(status_code, {}, text.encode("utf-8", "replace"))
        return parse_token_response(response, self.auth.secrets())

    @staticmethod
    def transport_settings(kwargs: dict[str, Any]) -> dict[str, Any]:
        """Take the HTTP library's keywords out of those of a call."""
        return take_transport_settings(kwargs)

    @staticmethod
    def signed_settings(kwargs: dict[str, Any]) -> dict[str, Any]:
        """The same for a request for credentials, which has nothing but its parts besides.

        :raises UnknownOptionError: for a keyword that is no part of a request.
        """
        return take_signed_settings(kwargs)

    # -- sending --------------------------------------------------------------------------

    def run_exchange(self, exchange: Exchange[OAuth1Token], **settings: Any) -> OAuth1Token:
        """Drive an exchange.

        :param exchange: the exchange.
        :param settings: ``timeout``, ``verify``, ``cert``, ``proxies`` of this call.
        """
        return run(
            exchange,
            lambda request: self.send_message(
                request, insecure_http=self.insecure_http, **settings
            ),
        )

    def _endpoint(self, url: str, kwargs: dict[str, Any]) -> str:
        """An endpoint's URL as it will be sent: the signature covers all of it."""
        if isinstance(kwargs.get("data"), bytes):
            kwargs["data"] = kwargs["data"].decode("utf-8", "replace")
        params = _params(kwargs.pop("params", None))
        together = merge_setting(params, self.params)
        return _as_sent(add_params(url, pairs(together)))

    def _prepare_message(
        self, request: Request, cookies: Any, hooks: Any
    ) -> requests.PreparedRequest:
        prepared = super()._prepare_message(request, cookies, hooks)
        prepared.url = request.url  # it is signed; the session's parameters are in it already
        return prepared

    def renew_auth(self, prepared: requests.PreparedRequest) -> None:
        """Sign a request anew that is sent once more: a nonce is good for one (section 3.3)."""
        signer = signer_of(prepared)
        if signer is not None:
            prepared.headers.pop("Authorization", None)
            _remove_signature(prepared)
            signer(prepared)

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Sign a redirected request anew if it stays at its origin, else not at all.

        A signature holds for one URL, and a nonce for one request (RFC 5849 section 3.3).

        :raises InsecureTransportError: if the credentials stand in a body that would go with it.
        """
        signer = signer_of(response.request)
        if signer is None:
            super().rebuild_auth(prepared_request, response)
            return
        prepared_request.headers.pop("Authorization", None)
        before, after = str(response.request.url), str(prepared_request.url)
        leaving = self.leaves_origin(before, after)
        if leaving and _signed_form(prepared_request) is not None:
            raise InsecureTransportError("token_origin")
        _remove_signature(prepared_request)
        if not leaving:
            signer(prepared_request)


# -- what is sent ------------------------------------------------------------------------


def _params(params: Any) -> Any:
    """Parameters as requests takes them: a mapping, pairs, or a query that is written already."""
    if isinstance(params, bytes):
        params = params.decode("utf-8", "replace")
    return parse_qsl(params, keep_blank_values=True) if isinstance(params, str) else params


def _as_sent(url: str) -> str:
    """The URL as requests writes it, its host in ASCII."""
    prepared = requests.PreparedRequest()
    try:
        prepared.prepare_url(url, None)
    except (requests.RequestException, UnicodeError):
        return url  # the signer will say what is wrong
    return str(prepared.url)


# -- redirects ---------------------------------------------------------------------------


def _signed_form(request: requests.PreparedRequest) -> str | None:
    """The body, if it is a form that carries a signature; octets as Latin-1."""
    body = request.body
    if not body or media_type(request.headers.get("Content-Type")) != FORM:
        return None
    text = body.decode("latin-1") if isinstance(body, bytes) else body
    return text if isinstance(text, str) and "oauth_signature=" in text else None


def _remove_signature(request: requests.PreparedRequest) -> None:
    """Take out the protocol parameters of an earlier hop; servers like to repeat a query."""
    base, mark, query = (request.url or "").partition("?")
    if "oauth_signature=" in query:
        query, hash_mark, fragment = query.partition("#")
        kept = _without_protocol_params(query)
        request.url = f"{base}{mark if kept else ''}{kept}{hash_mark}{fragment}"
    form = _signed_form(request)
    if form is not None:
        kept = _without_protocol_params(form)
        request.body = kept.encode("latin-1") if isinstance(request.body, bytes) else kept
        request.prepare_content_length(request.body)


def _without_protocol_params(text: str) -> str:
    pieces = (piece for piece in text.split("&") if piece)
    return "&".join(
        piece for piece in pieces if unquote_plus(piece.partition("=")[0]) not in _PROTOCOL_PARAMS
    )
