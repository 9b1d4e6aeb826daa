"""What ``manage.py check`` says about the clients of a project.

Each finding has an id that stays, to be silenced by ``SILENCED_SYSTEM_CHECKS``. An error is what
keeps people from signing in; a warning is what works and should not be so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.urls import get_resolver

from ..protocol.errors import OAuthError
from ..protocol.errors import UnknownOptionError
from ..protocol.urls import is_http_url
from ..protocol.urls import is_secure
from ..registry.options import ClientOptions
from ..registry.settings import is_without_pkce
from .settings import CLIENTS
from .settings import OLD_CLIENTS
from .settings import clients_in
from .settings import config
from .settings import configured_client

if TYPE_CHECKING:
    from .registry import OAuth

TAG = "oauthclient"
_OUR_APP = "flask_oauthclient.django_client"
_SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
_USERS = "django.contrib.auth.middleware.AuthenticationMiddleware"
_OUR_MIDDLEWARE = f"{_OUR_APP}.middleware.OAuthClientMiddleware"
#: Entries below which pending logins push each other out.
_FEW_ENTRIES = 1000

Findings = Iterator[checks.CheckMessage]


def register_checks() -> None:
    """Let ``manage.py check`` look at the clients; once more does no harm."""
    checks.register(check_settings, TAG)
    checks.register(check_clients, TAG)
    checks.register(check_sessions, TAG)
    checks.register(check_stores, TAG)
    checks.register(check_deployment, TAG, deploy=True)


def check_settings(**_: Any) -> list[checks.CheckMessage]:
    """Look at the settings themselves."""
    return [*_clients_by_setting(), *_two_settings(), *_secret_key(), *_base_url()]


def check_clients(**_: Any) -> list[checks.CheckMessage]:
    """Look at each client that is registered, and for those that are not."""
    found = [finding for oauth in _registries() for finding in _clients_of(oauth)]
    return [*found, *_not_registered()]


def check_sessions(**_: Any) -> list[checks.CheckMessage]:
    """Look at what keeps a login until its callback."""
    return [*_middleware(), *_same_site()] if _registries() else []


def check_stores(**_: Any) -> list[checks.CheckMessage]:
    """Look at where logins and tokens are kept."""
    return [
        finding for oauth in _registries() for finding in (*_cache(oauth), *_token_store(oauth))
    ]


def check_deployment(**_: Any) -> list[checks.CheckMessage]:
    """Look at what is fine for one process of a developer only."""
    return [finding for oauth in _registries() for finding in _cache_of_many(oauth)]


# -- settings -----------------------------------------------------------------------------


def _clients_by_setting() -> Findings:
    for setting in (CLIENTS, OLD_CLIENTS):
        try:
            clients = clients_in(setting)
        except OAuthError as failure:
            yield _error(1, failure.description, "Make it a dict of dicts.")
            continue
        for name, options in clients.items():
            yield from _keys(setting, name)
            if options.get("client_id") == "":
                hint = "Is the environment variable set that it is read from?"
                yield _error(3, f"{setting}: client_id of the client {name!r} is empty.", hint)


def _keys(setting: str, name: str) -> Findings:
    try:
        configured_client(name)
    except UnknownOptionError as failure:
        yield _error(2, f"{setting}: {failure.description}", "Keys are names of options.")
    except OAuthError:  # of the other setting, which has been said
        return


def _two_settings() -> Findings:
    with suppress(OAuthError):
        new, old = clients_in(CLIENTS), clients_in(OLD_CLIENTS)
        for name in new.keys() & old.keys():
            if dict(new[name]) != dict(old[name]):
                yield _warning(
                    1,
                    f"The client {name!r} is in {CLIENTS} and, with other options, in "
                    f"{OLD_CLIENTS}, which is not read then.",
                    f"Remove it from {OLD_CLIENTS}.",
                )


def _secret_key() -> Findings:
    if not config.get("SECRET_KEY"):
        hint = "Set it to a long random string that nobody else knows."
        yield _error(6, "SECRET_KEY is empty: no login can be kept until its callback.", hint)


def _base_url() -> Findings:
    base = config.get("OAUTHCLIENT_BASE_URL")
    if not base:
        return
    if not (isinstance(base, str) and is_http_url(base) and urlsplit(base).netloc):
        hint = "Such as https://www.example.com, without a path of a view."
        yield _error(10, "OAUTHCLIENT_BASE_URL is no URL of http or https.", hint)
    elif not (settings.DEBUG or is_secure(base)):
        yield _warning(
            6,
            "OAUTHCLIENT_BASE_URL is plain http: codes come back where anybody on the way can "
            "read them (RFC 9700 section 2.6).",
            "Use https.",
        )


# -- clients ------------------------------------------------------------------------------


def _clients_of(oauth: OAuth) -> Findings:
    taken: dict[str, str] = {}
    for name in oauth.names():
        options = None
        try:
            options = _options_of(oauth, name)
        except OAuthError as failure:
            if not _is_said(name):
                yield _error(7, failure.description, "See the configuration table.")
        if options is not None:
            yield from _doubts(name, options)
        redirect_uri = oauth._given(oauth.current_state(), name, "redirect_uri")
        if redirect_uri and taken.setdefault(redirect_uri, name) != name:
            yield _error(
                4,
                f"The clients {taken[redirect_uri]!r} and {name!r} have one redirect_uri.",
                "Give each its own: one for two servers invites mix-up (RFC 9700 section 4.4.2).",
            )


def _options_of(oauth: OAuth, name: str) -> ClientOptions:
    client: Any = oauth.create_client(name)
    options: ClientOptions = client.framework.checked_settings()[0]
    return options


def _doubts(name: str, options: ClientOptions) -> Findings:
    if options.insecure_http:
        message = f"The client {name!r} has insecure_http: credentials travel in the clear."
        yield _warning(4, message, "Take it out; every provider speaks https.")
    if is_without_pkce(options):
        message = f"PKCE of the client {name!r} is switched off (RFC 9700 section 2.1.1)."
        yield _warning(5, message, "Take code_challenge_method=None out of client_kwargs.")


def _not_registered() -> Findings:
    registered = {name for oauth in _registries() for name in oauth.names()}
    for setting in (CLIENTS, OLD_CLIENTS):
        with suppress(OAuthError):
            for name in clients_in(setting).keys() - registered:
                yield _warning(
                    2,
                    f"{setting} has a client {name!r} that is not registered.",
                    f"Call oauth.register({name!r}) in a module that the URLs import, or remove "
                    "it.",
                )


# -- sessions -----------------------------------------------------------------------------


def _middleware() -> Findings:
    installed = list(settings.MIDDLEWARE)
    if not any(_is_kind_of(name, _SESSIONS) for name in installed):
        hint = f"Put {_SESSIONS!r} into MIDDLEWARE."
        yield _error(5, "There are no sessions: a login is kept in them until its callback.", hint)
        return
    if _OUR_MIDDLEWARE in installed:
        above = installed[installed.index(_OUR_MIDDLEWARE) :]
        if any(_is_kind_of(name, needed) for name in above for needed in (_SESSIONS, _USERS)):
            hint = "Put it right below AuthenticationMiddleware."
            yield _error(11, f"{_OUR_MIDDLEWARE} stands above what it needs.", hint)


def _is_kind_of(name: str, usual: str) -> bool:
    """Whether a middleware is one of Django's, or one that derives from it."""
    from django.utils.module_loading import import_string

    if name == usual:
        return True
    try:
        given, wanted = import_string(name), import_string(usual)
    except Exception:  # noqa: BLE001  whatever keeps a module from being imported, Django says so
        return False
    return isinstance(given, type) and issubclass(given, wanted)


def _same_site() -> Findings:
    if str(settings.SESSION_COOKIE_SAMESITE).lower() == "strict":
        yield _warning(
            3,
            "SESSION_COOKIE_SAMESITE is 'Strict': browsers come back from a provider without the "
            "session, and sign in in another one.",
            "Set it to 'Lax'.",
        )


# -- where things are kept ----------------------------------------------------------------


def _cache(oauth: OAuth) -> Findings:
    try:
        cache = _cache_behind(oauth)
    except OAuthError as failure:
        yield _error(9, failure.description, "Name a cache of CACHES, or leave it out.")
        return
    if _is_of(cache, "dummy"):
        hint = "Give the registry another cache, or none: the browser carries the logins then."
        yield _error(9, "The cache of the registry keeps nothing, so no login is found.", hint)


def _token_store(oauth: OAuth) -> Findings:
    find_model = getattr(oauth.token_store, "find_model", None)
    try:
        if find_model is not None:
            find_model()
    except OAuthError as failure:
        yield _error(8, failure.description, f"Add {_OUR_APP!r} to INSTALLED_APPS, and migrate.")


def _cache_of_many(oauth: OAuth) -> Findings:
    from ..storage.django_caches import unified

    with suppress(OAuthError):
        cache = _cache_behind(oauth)
        if _is_of(cache, "locmem"):
            message = "The cache of the registry belongs to one process, and others do not see it."
            hint = "Use Redis, memcached or a database; or none: the browser carries the logins."
            yield _warning(7, message, hint)
        room = getattr(unified(cache), "_threshold", 0)
        if 0 < room < _FEW_ENTRIES:
            message = f"The cache of the registry drops entries at random beyond {room}."
            yield _warning(8, message, "Set MAX_ENTRIES among its OPTIONS to a larger number.")


def _cache_behind(oauth: OAuth) -> Any:
    cache = oauth.current_state().cache
    known = vars(cache) if hasattr(cache, "__dict__") else {}
    return known["_connections"][known["_alias"]] if "_alias" in known else cache


def _is_of(cache: Any, back_end: str) -> bool:
    module = f"django.core.cache.backends.{back_end}"
    return any(cls.__module__ == module for cls in type(cache).__mro__)


# -- all of them --------------------------------------------------------------------------


def _registries() -> list[OAuth]:
    """The registries of the project, once its URLs have been imported, which make them."""
    from .registry import registries

    # What is wrong with the URLs is what Django's own check of them is about.
    with suppress(Exception):
        get_resolver().url_patterns  # noqa: B018
    return sorted(registries, key=lambda oauth: oauth.names())


def _is_said(name: str) -> bool:
    """Whether the settings have shown already what is wrong with a client."""
    try:
        return configured_client(name).get("client_id") == ""
    except (OAuthError, ImproperlyConfigured):
        return True


def _error(number: int, message: str | None, hint: str) -> checks.CheckMessage:
    return checks.Error(message or "", hint=hint, id=f"{TAG}.E{number:03}")


def _warning(number: int, message: str, hint: str) -> checks.CheckMessage:
    return checks.Warning(message, hint=hint, id=f"{TAG}.W{number:03}")
