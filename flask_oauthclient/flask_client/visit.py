"""Where a request comes from, and whether anybody has asked for it (Fetch Metadata)."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import abort
from flask import current_app
from flask import request

#: How browsers say that nobody has clicked yet, as WSGI names the headers; the last three are
#: older than the first.
_PURPOSES = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")


def is_prefetch() -> bool:
    """Whether a browser only prepares for a visit that may never come."""
    environ = request.environ
    said = " ".join([environ[name] for name in _PURPOSES if name in environ]).lower()
    return "prefetch" in said or "preview" in said


def is_only_looking() -> bool:
    """Whether whoever asks has no visit in mind, or not yet."""
    return request.method == "HEAD" or is_prefetch()


def is_by_the_person() -> bool:
    """Whether a person has asked for a login, here: foreign pages cannot."""
    return is_ours() and not is_only_looking()


def is_ours() -> bool:
    """Whether a visit was started by a page of this application, or by the person alone.

    A link, form or image of another site may not do what a person does here: it could sign
    people in as somebody else. Browsers that do not say where a visit comes from are judged by
    ``Origin`` and ``Referer``.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site in ("same-origin", "none"):
        return True
    sender = request.headers.get("Origin") or request.headers.get("Referer")
    if site is None and sender is None:
        return True
    scheme, host = place_of(sender or "")
    if request.is_secure and scheme == "http":  # which anybody on the way can be
        return False
    return site in (None, "same-site") and _is_own_host(host)


def place_of(sender: str) -> tuple[str, str]:
    """Scheme and host in an ``Origin`` or ``Referer``; nothing in what is none."""
    try:
        parts = urlsplit(sender)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc


def _is_own_host(host: str) -> bool:
    """Whether a host is this application's, which may have subdomains and a proxy before it."""
    base = current_app.config.get("OAUTHCLIENT_BASE_URL")
    name = current_app.config.get("SERVER_NAME") if current_app.subdomain_matching else None
    own = {request.host, urlsplit(str(base)).netloc if base else request.host, name or request.host}
    return host in own or bool(name and host.endswith(f".{name}"))


def is_secure() -> bool:
    """Whether the browser speaks https with this application, or with the proxy before it."""
    config = current_app.config
    at_proxy = str(config.get("OAUTHCLIENT_BASE_URL") or "").lower().startswith("https:")
    return request.is_secure or at_proxy or bool(config["SESSION_COOKIE_SECURE"])


def check_is_ours() -> None:
    """What changes something is done by a page of this application, and by no other.

    :raises werkzeug.exceptions.Forbidden: if it is another.
    """
    if not is_ours():
        abort(403)


def is_for_a_script() -> bool:
    """Whether the answer goes to a script, which can do nothing with a page to sign in at."""
    mode, accept = request.headers.get("Sec-Fetch-Mode"), request.accept_mimetypes
    if mode is not None and mode != "navigate":
        return True
    if request.headers.get("Sec-Fetch-Dest", "document") not in ("document", "empty"):
        return True  # a frame or an image: nobody could sign in there
    if request.headers.get("X-Requested-With") == "XMLHttpRequest" or request.is_json:
        return True
    return accept.best_match(["text/html", "application/json"]) == "application/json"
