"""TLS contexts for httpx2, one per process for the same settings."""

from __future__ import annotations

import os
import ssl
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any
from typing import TypeAlias

import httpx2

from .environment import Environment

Verify: TypeAlias = ssl.SSLContext | str | os.PathLike[str] | bool
Cert: TypeAlias = str | tuple[str, str] | tuple[str, str, str]


def tls_context(
    verify: Verify = True,
    cert: Cert | None = None,
    *,
    trust_env: bool = True,
    http1: bool = True,
    http2: bool = False,
) -> ssl.SSLContext:
    """The TLS context for these settings.

    Loading a CA bundle takes longer than a request, so contexts that differ in nothing are one.

    :param verify: a context, the path of a CA bundle, or whether to verify at all.
    :param cert: certificate of the client: a path, or paths and the password of the key.
    :param trust_env: whether ``REQUESTS_CA_BUNDLE``, ``CURL_CA_BUNDLE``, ``SSL_CERT_FILE`` and
        ``SSL_CERT_DIR`` may name another CA bundle.
    :param http1: whether HTTP/1.1 is offered to servers; httpx2 writes that into the context.
    :param http2: the same for HTTP/2.
    :raises OSError: if a file cannot be read.
    """
    if isinstance(verify, ssl.SSLContext):
        context = verify
    elif verify is False:
        context = _modern(httpx2.create_ssl_context(verify=False))
    else:
        path = _default_bundle(trust_env=trust_env) if verify is True else os.fspath(verify)
        context = _shared(path, http1, http2) if cert is None else _load(path)
    if cert is not None:
        context.load_cert_chain(*((cert,) if isinstance(cert, str) else cert))
    return context


def with_tls(proxy: Any, *, trust_env: bool) -> Any:
    """Give an https proxy the shared context; httpx2 would load one for each connection."""
    if proxy is None:
        return None
    proxy = proxy if isinstance(proxy, httpx2.Proxy) else httpx2.Proxy(proxy)
    if proxy.url.scheme != "https" or proxy.ssl_context is not None:
        return proxy
    context = tls_context(trust_env=trust_env)
    return httpx2.Proxy(proxy.url, ssl_context=context, auth=proxy.auth, headers=proxy.headers)


def process_lock() -> threading.Lock:
    """A lock of this process, which no fork can have copied while it was held."""
    return _locks.setdefault(os.getpid(), threading.Lock())


_locks: dict[int, threading.Lock] = {}


def _default_bundle(*, trust_env: bool) -> str | None:
    if not trust_env:
        return None
    # Those of requests first, so that a program has one CA bundle for both libraries.
    named = (Environment.read().ca_bundle, *map(os.environ.get, ("SSL_CERT_FILE", "SSL_CERT_DIR")))
    return next(filter(None, named), None)


def _shared(path: str | None, http1: bool, http2: bool) -> ssl.SSLContext:
    with process_lock():
        return _kept(path, http1, http2)


@lru_cache(maxsize=16)
def _kept(path: str | None, _http1: bool, _http2: bool) -> ssl.SSLContext:
    return _load(path)


def _load(path: str | None) -> ssl.SSLContext:
    if path is None:
        return _modern(httpx2.create_ssl_context(trust_env=False))
    if Path(path).is_dir():
        return _modern(ssl.create_default_context(capath=path))
    return _modern(ssl.create_default_context(cafile=path))


def _modern(context: ssl.SSLContext) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 9325 3.1.1, whatever the system says
    return context
