"""What to say when a login begins with a redirect URI over plain http.

Most often the project stands behind a proxy that speaks TLS with the browser, and does not know
it: the provider then refuses the redirect URI, or sends the authorization code where anybody on
the way can read it (RFC 9700 section 2.6). Nothing that a header says is believed here; it only
decides on the advice.
"""

from __future__ import annotations

import logging
import threading

from django.http import HttpRequest

from ..registry.proxies import header_saying_https

_log = logging.getLogger(__name__)

_LINES = """
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    USE_X_FORWARDED_HOST = True
if the proxy sets these headers and takes them from nobody else. Or set OAUTHCLIENT_BASE_URL to \
the https address that the browser sees: redirect URIs are made of it."""

_BEHIND_PROXY = (
    "client %r: the redirect URI is plain http, but a proxy says (%s) that the browser uses "
    "https. Tell the settings about the proxy:" + _LINES
)
_NO_PROXY_KNOWN = (
    "client %r: the redirect URI is plain http. Behind a TLS proxy, set SECURE_PROXY_SSL_HEADER, "
    "so that the project knows the scheme that the browser sees"
)

_PLAIN_HTTP = "plain_http "
_lock = threading.Lock()


def warn_of_plain_http(warned_of: set[str], client: str, request: HttpRequest | None) -> None:
    """Log that a login will not do over plain http, and what can be done about it.

    It is logged once for a client; where a proxy is seen, once for all of them.

    :param warned_of: what the log was told before.
    :param client: name of the client.
    :param request: the request that begins the login, if there is one.
    """
    header = None
    if request is not None and not request.is_secure():
        header = header_saying_https(request.headers.get)
    if not _is_new(warned_of, client if header is None else ""):
        return
    if header is None:
        _log.warning(_NO_PROXY_KNOWN, client)
    else:
        _log.warning(_BEHIND_PROXY, client, header)


def _is_new(warned_of: set[str], about: str) -> bool:
    with _lock:
        if not warned_of.isdisjoint((_PLAIN_HTTP + about, _PLAIN_HTTP)):
            return False
        warned_of.add(_PLAIN_HTTP + about)
        return True
