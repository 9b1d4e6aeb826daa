"""What to say when a login begins with a redirect URI over plain http.

Most often the application stands behind a proxy that speaks TLS with the browser, and does not
know it: the provider then refuses the redirect URI, or sends the authorization code where anybody
on the way can read it (RFC 9700 section 2.6). Nothing that a header says is believed here; it only
decides on the advice.
"""

from __future__ import annotations

import logging
import threading

from flask import Flask
from flask import has_request_context
from flask import request

from ..registry.proxies import header_saying_https

_log = logging.getLogger(__name__)

_LINES = """
    from werkzeug.middleware.proxy_fix import ProxyFix
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)
Each number is how many proxies set that header; here, one does. Or set OAUTHCLIENT_BASE_URL to \
the https address that the browser sees: the blueprint makes its redirect URIs of it."""

_BEHIND_PROXY = (
    "client %r: the redirect URI is plain http, but a proxy says (%s) that the browser uses "
    "https. Tell the application about its proxy:" + _LINES
)
_WRONG_COUNT = (
    "client %r: the redirect URI is plain http, but a proxy says (%s) that the browser uses "
    "https. There is a ProxyFix, but for another number of proxies than there are:" + _LINES
)
_NO_PROXY_KNOWN = (
    "client %r: the redirect URI is plain http. Behind a TLS proxy, use werkzeug's ProxyFix, so "
    "that the application knows the scheme and host the browser sees"
)

_WARNED = "oauthclient_plain_http"
#: In place of a client's name among those that were warned of: all of them, behind the proxy.
_ALL = ""
_lock = threading.Lock()


def warn_of_plain_http(app: Flask, client: str) -> None:
    """Log that a login will not do over plain http, and what can be done about it.

    It is logged once for a client; where a proxy is seen, once for the application.

    :param app: the application.
    :param client: name of the client.
    """
    header = _header_saying_https()
    if not _is_new(app, client if header is None else _ALL):
        return
    if header is None:
        _log.warning(_NO_PROXY_KNOWN, client)
    else:
        _log.warning(_WRONG_COUNT if _has_proxy_fix() else _BEHIND_PROXY, client, header)


def _is_new(app: Flask, about: str) -> bool:
    with _lock:
        warned: set[str] = app.extensions.setdefault(_WARNED, set())
        if not warned.isdisjoint((about, _ALL)):
            return False
        warned.add(about)
        return True


def _header_saying_https() -> str | None:
    """The name of the header by which a proxy says what the application does not know."""
    if not has_request_context() or request.is_secure:
        return None
    return header_saying_https(request.headers.get)


def _has_proxy_fix() -> bool:
    """Whether a ProxyFix has seen the request; it keeps what it replaces there."""
    return "werkzeug.proxy_fix.orig" in request.environ
