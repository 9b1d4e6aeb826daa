"""Where the routes of signing in are mounted in a project.

They are found in the URLs themselves, which know under which namespaces they have been included.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

from django.urls import URLPattern
from django.urls import URLResolver
from django.urls import get_resolver
from django.urls import get_urlconf

from ..protocol.errors import MissingConfigurationError
from ..sign_in.settings import SignInSettings

#: Name under which Django knows such routes, however often they are included.
APP_NAME = "oauthclient"
#: Where a view has the settings of the routes that it belongs to.
SETTINGS = "oauthclient_settings"
_KNOWN = "_oauthclient_mounts"


class Mount(NamedTuple):
    """A place where routes are mounted."""

    #: All namespaces down to it, as ``reverse`` wants them.
    namespace: str
    settings: SignInSettings


def mounts() -> list[Mount]:
    """All such places in the URLs of the current request."""
    resolver = get_resolver(get_urlconf())
    known: list[Mount] | None = vars(resolver).get(_KNOWN)
    if known is None:
        known = list(_mounts_below(resolver, ""))
        setattr(resolver, _KNOWN, known)
    return known


def mount_for(provider: str | None, first: Mount | None = None) -> Mount:
    """A place where people can sign in at a provider.

    :param provider: name of the client; any by default.
    :param first: the place to prefer.
    :raises MissingConfigurationError: if there is none.
    """
    known = mounts()
    for mount in known if first is None else [first, *known]:
        if provider is None or provider in mount.settings.names():
            return mount
    wanted = "anywhere" if provider is None else f"at {provider!r}"
    raise MissingConfigurationError(
        "missing_configuration",
        f"No URLs sign people in {wanted}: path('auth/', include(oauth.urls())).",
    )


def _mounts_below(resolver: URLResolver, prefix: str) -> Iterator[Mount]:
    for entry in resolver.url_patterns:
        if not isinstance(entry, URLResolver):
            continue
        namespace = ":".join(filter(None, (prefix, entry.namespace)))
        settings = _settings_in(entry)
        if settings is not None:
            yield Mount(namespace, settings)
        else:
            yield from _mounts_below(entry, namespace)


def _settings_in(resolver: URLResolver) -> SignInSettings | None:
    if resolver.app_name != APP_NAME:
        return None
    views: list[Any] = [p.callback for p in resolver.url_patterns if isinstance(p, URLPattern)]
    return next((getattr(view, SETTINGS, None) for view in views), None)
