"""Authorization server metadata (RFC 8414) and OpenID Provider metadata (Discovery 1.0).

The two share one document and one set of rules: it is found below the issuer by one of three
layouts, it names the issuer it was found under, and the endpoints it names are https URLs.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..error_codes import clean_text
from ..errors import InsecureTransportError
from ..errors import MetadataError
from ..errors import MissingEndpointError
from ..messages import Purpose
from ..messages import Request
from ..messages import Response
from ..urls import is_secure
from ..urls import split

_log = logging.getLogger(__name__)

OPENID = "/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server"

#: What a client calls or sends a browser to. Other URLs in the document are for humans.
_ENDPOINTS = (
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "userinfo_endpoint",
    "end_session_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
    "registration_endpoint",
    "pushed_authorization_request_endpoint",
    "device_authorization_endpoint",
)


_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_HOST_NAME = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
#: Names of networks that are not the internet (RFC 6761, RFC 6762, RFC 8375 and custom).
_LOCAL_NAMES = (
    ".corp",
    ".home",
    ".home.arpa",
    ".internal",
    ".intranet",
    ".lan",
    ".local",
    ".localdomain",
    ".localhost",
    ".private",
)


def well_known_urls(issuer: str) -> list[str]:
    """Where an issuer's metadata may stand, in the order in which the places are tried.

    OpenID Discovery 4.1 appends its suffix to the issuer, RFC 8414 section 3.1 inserts it before
    the path; a server may answer in one layout only.

    :raises MetadataError: if the issuer has a query, a fragment or user information.
    """
    check_issuer_url(issuer)
    parts = urlsplit(issuer)
    base, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    layouts = [base + path + OPENID, base + OAUTH + path, base + OPENID + path]
    return list(dict.fromkeys(layouts))


def issuer_of(url: str) -> str | None:
    """The issuer that a well-known URL belongs to, or ``None`` if it is no such URL."""
    for suffix in (OPENID, OAUTH):
        before, found, after = url.partition(suffix)
        if found and not (after and not after.startswith("/")):
            return before + after
    return None


def check_issuer_url(issuer: object) -> None:
    """An issuer is an https URL without query or fragment (RFC 8414 section 2)."""
    try:
        parts = split(issuer)
    except InsecureTransportError:
        parts = None
    if parts is None or parts.query or parts.fragment or "?" in str(issuer) or "#" in str(issuer):
        raise MetadataError(
            "invalid_metadata",
            "An issuer is an absolute https URL without query, fragment or user information.",
            detail={"issuer": clean_text(issuer)},
        )


def document_request(purpose: Purpose, url: str, etag: str | None = None) -> Request:
    """Ask for a public JSON document, conditionally if one is at hand (RFC 9110 section 13)."""
    headers = {"Accept": "application/json"}
    if etag:
        headers["If-None-Match"] = etag
    return Request(purpose, "GET", url, headers)


def check_document_status(response: Response) -> None:
    """Anything but 200 is no document."""
    if response.status == 200:
        return
    code = "metadata_not_found" if 400 <= response.status < 500 else "provider_unavailable"
    raise MetadataError(code, detail={"status": response.status})


def parse_metadata(
    response: Response,
    expected_issuer: str | None,
    *,
    from_url: bool = False,
    insecure_http: bool = False,
) -> dict[str, Any]:
    """Read and check a metadata document.

    :param response: the answer, status included.
    :param expected_issuer: the issuer under which it was looked up, if that is known.
    :param from_url: whether that issuer was read off the URL of the document, where a final slash
        cannot be seen (Discovery 4.1 takes it away before the suffix is added).
    :param insecure_http: accept plain http endpoints.
    :raises MetadataError: if it must not be used.
    """
    check_document_status(response)
    document = response.json_object("metadata document")
    if not (from_url and document.get("issuer") == f"{expected_issuer}/"):
        check_issuer(document, expected_issuer)
    check_endpoints(document, insecure_http=insecure_http)
    return document


def check_issuer(document: Mapping[str, Any], expected: str | None) -> None:
    """The document must name the very issuer it was found under (Discovery 4.3, RFC 8414 3.3)."""
    issuer = document.get("issuer")
    if "issuer" not in document:
        _log.warning(
            "metadata of %s names no issuer; the issuer of its URL is assumed", expected or "?"
        )
        return
    check_issuer_url(issuer)
    if expected is not None and issuer != expected:
        raise MetadataError(
            "issuer_mismatch",
            f"The metadata names the issuer {clean_text(issuer)!r}, but {expected!r} is "
            "configured. Configure exactly the issuer that the provider states, to the last "
            "slash.",
            detail={"expected": expected, "received": clean_text(issuer)},
        )


def check_endpoints(document: Mapping[str, Any], *, insecure_http: bool = False) -> None:
    """Every endpoint that we may use is an https URL, or http on loopback."""
    aliases = document.get("mtls_endpoint_aliases", {})
    if not isinstance(aliases, Mapping):
        raise _bad_endpoint("mtls_endpoint_aliases")
    for source in (document, aliases):
        for name in _ENDPOINTS:
            if name in source and not _usable(source[name], insecure_http):
                raise _bad_endpoint(name)


def _usable(url: object, insecure_http: bool) -> bool:
    if not isinstance(url, str):
        return False
    if not insecure_http:
        return is_secure(url)
    try:
        split(url)
    except InsecureTransportError:
        return False
    return True


def _bad_endpoint(name: str) -> MetadataError:
    return MetadataError(
        "invalid_metadata",
        f"The metadata's {name} is not an https URL (http is for loopback addresses).",
        detail={"member": name},
    )


def endpoint(metadata: Mapping[str, Any], name: str) -> str:
    """Look an endpoint up.

    :raises MissingEndpointError: if neither registration nor metadata name it.
    """
    url = metadata.get(name)
    if not isinstance(url, str) or not url:
        raise MissingEndpointError(
            "missing_configuration", f'Missing "{name}" in metadata. Register it, or an issuer.'
        )
    return url


def string_list(metadata: Mapping[str, Any], name: str) -> list[str] | None:
    """Read a list of strings, also from servers that write one string; ``None`` if it is none."""
    value = metadata.get(name)
    if isinstance(value, str):
        return value.split()
    if isinstance(value, list):
        return [item for item in value if isinstance(item, str)]
    return None


def flag(metadata: Mapping[str, Any], name: str) -> bool:
    """Read a boolean, also from servers that write it as a string."""
    value = metadata.get(name)
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def check_untrusted_issuer(issuer: str, is_allowed: Callable[[str], bool]) -> None:
    """Judge an issuer that a user typed in, before anything is sent to it.

    :param issuer: what the user chose.
    :param is_allowed: the application's allow-list; asked first.
    :raises MetadataError: if it is not allowed, or its host is an address or name of a private
        or local network (server-side request forgery). Names that resolve to such an address
        are the allow-list's business.
    """
    if not is_allowed(issuer):
        raise MetadataError("issuer_not_allowed")
    check_issuer_url(issuer)
    parts = urlsplit(issuer)
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme != "https" or not _is_public_name(host):
        raise MetadataError("issuer_not_allowed", detail={"host": clean_text(host)})


def _is_public_name(host: str) -> bool:
    try:
        return _is_public_address(ipaddress.ip_address(host))
    except ValueError:
        # Only plain ASCII names: what resolvers make of percent signs, of full-width letters or
        # of a last label in digits (127.1, 0x7f.1) is no public name.
        return bool(_HOST_NAME.fullmatch(host)) and not host.endswith(_LOCAL_NAMES)


def _is_public_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if address.version == 6:
        # Outside 2000::/3 and in 6to4 there are IPv4 addresses in disguise (RFC 4291 2.5.5,
        # RFC 6052, RFC 3056).
        return address.is_global and address in _GLOBAL_UNICAST and address.sixtofour is None
    return address.is_global and not address.is_multicast
