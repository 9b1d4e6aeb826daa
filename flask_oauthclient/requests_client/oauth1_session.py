"""``OAuth1Session``: a requests session that speaks OAuth 1.0a."""

from __future__ import annotations

from typing import Any

import requests

from ..protocol.errors import InsecureTransportError
from ..protocol.messages import Request
from ..protocol.oauth1.credentials import pairs
from ..protocol.urls import add_params
from ..sessions.oauth1 import BlockingOAuth1
from ..sessions.oauth1 import signed_form
from ..sessions.oauth1 import url_without_signature
from ..sessions.oauth1 import without_protocol_params
from ..transport.requests import PooledSession
from ..transport.untyped import merge_setting
from .keywords import CALL_KEYWORDS
from .oauth1_auth import OAuth1Auth
from .oauth1_auth import signer_of


class OAuth1Session(BlockingOAuth1, PooledSession):
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
    call_keywords = CALL_KEYWORDS
    http_class = PooledSession

    def as_sent(self, url: str, params: Any) -> str:
        """An endpoint's URL as requests writes it, with the session's parameters, too."""
        together = merge_setting(params, self.params)
        return _as_sent(add_params(url, pairs(together)))

    # -- sending --------------------------------------------------------------------------

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
    return signed_form(request.headers.get("Content-Type"), request.body)


def _remove_signature(request: requests.PreparedRequest) -> None:
    request.url = url_without_signature(request.url or "")
    form = _signed_form(request)
    if form is not None:
        kept = without_protocol_params(form)
        request.body = kept.encode("latin-1") if isinstance(request.body, bytes) else kept
        request.prepare_content_length(request.body)
