"""Connections: pools with deadlines on their sockets, and TLS contexts that are shared.

A TLS context loads its CA bundle once per process instead of once per connection.
"""

from __future__ import annotations

import ssl
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import create_urllib3_context

from .deadline import POOL_CLASSES

#: Connections to one host that are kept; threads beyond it open connections of their own.
POOL_SIZE = 64


def _tls_context(ca_bundle: str) -> ssl.SSLContext:
    # Under a lock: threads that each made a context would each get a connection pool of its own.
    with _context_lock:
        return _load_context(ca_bundle)


_context_lock = threading.Lock()


@lru_cache(maxsize=16)
def _load_context(ca_bundle: str) -> ssl.SSLContext:
    context = create_urllib3_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 9325 3.1.1, whatever the system says
    if Path(ca_bundle).is_dir():
        context.load_verify_locations(capath=ca_bundle)
    else:
        context.load_verify_locations(cafile=ca_bundle)
    return context


class Adapter(HTTPAdapter):
    """A transport adapter with deadlines on its sockets and shared TLS contexts."""

    def __init__(self) -> None:
        super().__init__(pool_maxsize=POOL_SIZE)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of connections that keep a deadline."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOL_CLASSES

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        """The same for connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = POOL_CLASSES
        return manager

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        """Verify with a shared context, unless the call brings TLS settings of its own."""
        host_params, pool_kwargs = super().build_connection_pool_key_attributes(
            request, verify, cert
        )
        if _shares_context(request.url, verify, cert):
            bundle = DEFAULT_CA_BUNDLE_PATH if verify is True else verify
            context = _tls_context(str(bundle))
            return host_params, {"cert_reqs": "CERT_REQUIRED", "ssl_context": context}
        return host_params, pool_kwargs

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing to set on a pool whose context knows it all."""
        if not _shares_context(url, verify, cert):
            as_usual: Any = super().cert_verify  # requests does not say its types
            as_usual(conn, url, verify, cert)


_parents_pools: list[Any] = []


def renew(adapter: Any) -> None:
    """Start with empty pools in a forked child.

    The parent's connections are left alone, not closed: they are still the parent's.
    """
    _parents_pools.append((adapter.poolmanager, adapter.proxy_manager))
    adapter.proxy_manager = {}
    # As when an adapter is unpickled; those that users mount keep their settings.
    sizes = adapter._pool_connections, adapter._pool_maxsize
    adapter.init_poolmanager(*sizes, block=adapter._pool_block)


def _shares_context(url: str | None, verify: Any, cert: Any) -> bool:
    return bool(verify) and cert is None and str(url).lower().startswith("https")
