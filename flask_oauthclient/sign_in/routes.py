"""The routes: where each stands, below the place that they are mounted at, and what it does."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from ..protocol.errors import InvalidSettingError
from .linking import link
from .linking import unlink
from .login import callback
from .login import login
from .login import start
from .logout import logout
from .logout import logout_callback
from .provider_logout import backchannel_logout
from .provider_logout import frontchannel_logout
from .public_keys import public_keys
from .settings import SignInSettings

_GET, _POST = ["GET"], ["POST"]
_BOTH = ["GET", "POST"]

#: The usual path of each route, and its methods.
ROUTES: Mapping[str, tuple[str, list[str]]] = {
    "login": ("/login", _BOTH),
    "start": ("/login/<provider>", _BOTH),
    "callback": ("/callback/<provider>", _BOTH),
    "logout": ("/logout", _POST),
    "logout_callback": ("/logout/callback", _GET),
    "backchannel_logout": ("/backchannel-logout/<provider>", _POST),
    "frontchannel_logout": ("/frontchannel-logout/<provider>", _GET),
    "link": ("/link/<provider>", _POST),
    "unlink": ("/unlink/<provider>", _POST),
    "jwks": ("/jwks.json", _GET),
}

#: What each does, given the visit and, where its path names one, the provider.
VIEWS: Mapping[str, Callable[..., Any]] = {
    "login": login,
    "start": start,
    "callback": callback,
    "logout": logout,
    "logout_callback": logout_callback,
    "backchannel_logout": backchannel_logout,
    "frontchannel_logout": frontchannel_logout,
    "link": link,
    "unlink": unlink,
    "jwks": public_keys,
}

#: Where a route stands: a path, or one for each of some providers.
Place = str | Mapping[str, str]


def places(
    paths: Mapping[str, Place] | None, settings: SignInSettings
) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Each route's name and path, and the provider that the path does not name itself.

    :param paths: where a route stands other than usual.
    :param settings: what the application says.
    :raises InvalidSettingError: for a route that there is not, or a path that names no provider.
    """
    given = paths or {}
    unknown = set(given) - set(ROUTES)
    if unknown:
        raise _refused(f"there is no route {', '.join(sorted(unknown))}, only {', '.join(ROUTES)}.")
    for endpoint, (usual, _) in ROUTES.items():
        for path, values in _places(endpoint, usual, given.get(endpoint), settings):
            yield endpoint, path, values


def _places(
    endpoint: str, usual: str, given: Place | None, settings: SignInSettings
) -> Iterator[tuple[str, dict[str, str]]]:
    if isinstance(given, Mapping):
        _check_mapping(endpoint, usual, given)
        for provider, path in given.items():
            yield path, {"provider": provider}
        given = None
    path = given or usual
    if "<provider>" not in usual and "<provider>" in path:
        raise _refused(f"{endpoint!r} is for all providers, and names none in its path.")
    if "<provider>" in path or "<provider>" not in usual:
        yield path, {}
    elif settings.providers is not None and len(settings.providers) == 1:
        yield path, {"provider": settings.providers[0]}
    else:
        raise _refused(
            f"{endpoint!r} needs <provider> in its path, a path for each provider as a mapping, "
            "or a blueprint for one provider."
        )


def _check_mapping(endpoint: str, usual: str, given: Mapping[str, str]) -> None:
    before, named, after = usual.partition("<provider>")
    if not named:
        raise _refused(f"{endpoint!r} is for all providers, and has one path.")
    if len(set(given.values())) < len(given):
        raise _refused(f"{endpoint!r} has the same path for two providers.")
    for provider, path in given.items():
        other = path.removeprefix(before).removesuffix(after)
        if path == f"{before}{other}{after}" and "/" not in other and other != provider:
            raise _refused(f"{endpoint!r} of {provider!r} stands where that of {other!r} does.")


def _refused(why: str) -> InvalidSettingError:
    return InvalidSettingError("invalid_configuration", f"paths: {why}")
