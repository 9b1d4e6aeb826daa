"""Where a request comes from, and whether anybody has asked for it (Fetch Metadata)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Protocol
from typing import overload
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from .site import Site
    from .site import Visit


class Headers(Protocol):
    """The headers of a request, by names in any case."""

    @overload
    def get(self, key: str, /) -> str | None: ...
    @overload
    def get(self, key: str, default: str, /) -> str: ...


#: How browsers say that nobody has clicked yet; the last three are older than the first.
_PURPOSES = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")


def is_prefetch(headers: Headers) -> bool:
    """Whether a browser only prepares for a visit that may never come.

    :param headers: of the request.
    """
    said = " ".join([headers.get(name, "") for name in _PURPOSES]).lower()
    return "prefetch" in said or "preview" in said


def is_only_looking(visit: Visit) -> bool:
    """Whether whoever asks has no visit in mind, or not yet."""
    return visit.method == "HEAD" or is_prefetch(visit.headers)


def is_by_the_person(visit: Visit) -> bool:
    """Whether a person has asked for a login, here: foreign pages cannot."""
    return is_ours(visit) and not is_only_looking(visit)


def is_ours(visit: Visit) -> bool:
    """Whether a visit was started by a page of this application, or by the person alone.

    A link, form or image of another site may not do what a person does here: it could sign
    people in as somebody else. Browsers that do not say where a visit comes from are judged by
    ``Origin`` and ``Referer``.
    """
    site = visit.headers.get("Sec-Fetch-Site")
    if site in ("same-origin", "none"):
        return True
    sender = visit.headers.get("Origin") or visit.headers.get("Referer")
    if site is None and sender is None:
        return True
    scheme, host = place_of(sender or "")
    if visit.is_secure and scheme == "http":  # which anybody on the way can be
        return False
    return site in (None, "same-site") and _is_own_host(visit, host)


def place_of(sender: str) -> tuple[str, str]:
    """Scheme and host in an ``Origin`` or ``Referer``; nothing in what is none."""
    try:
        parts = urlsplit(sender)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc


def _is_own_host(visit: Visit, host: str) -> bool:
    """Whether a host is this application's, which may have subdomains and a proxy before it."""
    base, name = visit.base_url, visit.host_with_subdomains
    own = {visit.host, urlsplit(base).netloc if base else visit.host, name or visit.host}
    return host in own or bool(name and host.endswith(f".{name}"))


def check_is_ours(site: Site) -> None:
    """What changes something is done by a page of this application, and by no other."""
    if not is_ours(site):
        site.refuse(403)


def is_for_a_script(visit: Visit) -> bool:
    """Whether the answer goes to a script, which can do nothing with a page to sign in at."""
    headers = visit.headers
    mode = headers.get("Sec-Fetch-Mode")
    if mode is not None and mode != "navigate":
        return True
    if headers.get("Sec-Fetch-Dest", "document") not in ("document", "empty"):
        return True  # a frame or an image: nobody could sign in there
    if headers.get("X-Requested-With") == "XMLHttpRequest" or _sends_json(headers):
        return True
    return visit.prefers_json


def _sends_json(headers: Headers) -> bool:
    kind = mimetype(headers)
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )


def mimetype(headers: Headers) -> str:
    """What kind of body a request has, without parameters."""
    return headers.get("Content-Type", "").partition(";")[0].strip().lower()
