"""The routes as patterns of Django."""

from __future__ import annotations

from collections.abc import Mapping

from django.urls import URLPattern
from django.urls import path

from ..sign_in.pages import STYLESHEET
from ..sign_in.routes import Place
from ..sign_in.routes import places
from ..sign_in.settings import SignInSettings
from .mounted import APP_NAME
from .pages import stylesheet
from .views import make_view


def patterns(
    settings: SignInSettings, paths: Mapping[str, Place] | None = None
) -> tuple[list[URLPattern], str]:
    """Make the routes; see :meth:`OAuth.urls`.

    :param settings: what the project says.
    :param paths: where a route stands other than usual.
    :returns: the patterns, and the name of the application that they are of.
    :raises InvalidSettingError: for a route that there is not, or a path that names no provider.
    """
    found = [
        path(place.lstrip("/"), make_view(endpoint, settings), values, name=endpoint)
        for endpoint, place, values in sorted(places(paths, settings), key=_order)
    ]
    found.append(path(f"oauthclient/static/{STYLESHEET}", stylesheet, name="static"))
    return found, APP_NAME


def _order(place: tuple[str, str, dict[str, str]]) -> int:
    """The order in which Django has to try the routes, and in which it finds their addresses.

    What a route for any provider would match as well comes before it. And of several routes with
    one name, ``reverse`` takes the last: that is the one for the provider alone.
    """
    _, where, values = place
    return 2 if values else int("<provider>" in where)
