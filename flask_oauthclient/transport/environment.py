"""What the process environment says about proxies and CA bundles, read once.

requests asks the environment again for every call. A snapshot is taken here when a pool is made.
``.netrc`` is no part of it: credentials of a file in somebody's home have no place in a login.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from urllib.parse import urlsplit
from urllib.request import getproxies
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # not in typeshed

from ..protocol.urls import is_loopback_host

_MEMORY = 256


@dataclass(frozen=True, slots=True)
class Environment:
    """A snapshot of the environment's HTTP settings."""

    #: Proxy URL by scheme (``http``, ``https``, ``all``).
    proxies: dict[str, str] = field(default_factory=dict)
    #: Hosts that are reached directly, as ``NO_PROXY`` has them.
    no_proxy: str = ""
    #: Path of a CA bundle that replaces the default one.
    ca_bundle: str | None = None
    _decided: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls) -> Environment:
        """Take the snapshot."""
        proxies = dict(getproxies())
        no_proxy = proxies.pop("no", "")
        bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        return cls(proxies, no_proxy, bundle or None)

    def proxies_for(self, url: str) -> dict[str, str]:
        """The proxies for a URL; none for loopback addresses and ``NO_PROXY`` hosts."""
        if not self.proxies:
            return self.proxies
        netloc = urlsplit(url).netloc
        if netloc not in self._decided:
            if len(self._decided) >= _MEMORY:
                self._decided.clear()
            self._decided[netloc] = {} if self._is_direct(url) else self.proxies
        return self._decided[netloc]

    def _is_direct(self, url: str) -> bool:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return (
            is_loopback_host(host)
            or bool(proxy_bypass_environment(parts.netloc, {"no": self.no_proxy}))
            or bool(proxy_bypass_environment(host, {"no": self.no_proxy}))
            or self._in_network(host)
        )

    def _in_network(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        entries = (entry.strip() for entry in self.no_proxy.split(",") if "/" in entry)
        return any(_contains(entry, address) for entry in entries)


def _contains(network: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def choose_proxies(url: str, *layers: Mapping[str, str] | None) -> dict[str, str]:
    """The proxies of the first layer that says something about a URL.

    A layer that names ``all`` proxies beats a later one that names ``https``; requests would mix
    the two.

    :param url: the URL.
    :param layers: the call's proxies first, then the session's, then the environment's.
    """
    filled = [layer for layer in layers if layer]
    if not filled:
        return {}
    parts = urlsplit(url)
    asked = (f"{parts.scheme}://{parts.hostname}", parts.scheme, f"all://{parts.hostname}", "all")
    return next((dict(layer) for layer in filled if any(name in layer for name in asked)), {})
