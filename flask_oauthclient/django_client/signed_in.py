"""Who is signed in, and views for people who are."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any
from typing import TypeVar
from typing import overload

from asgiref.sync import sync_to_async
from django.http import HttpRequest

from ..sign_in import step_up
from ..sign_in.identity import Identity
from ..sign_in.signed_in import KEY
from ..sign_in.signed_in import believe_in_nobody
from ..sign_in.signed_in import read_identity
from ..sign_in.step_up import SOMEBODY
from ..sign_in.step_up import Demand
from .mounted import mounts
from .people import is_somebody_else
from .people import user_of
from .site import DjangoSite

View = TypeVar("View", bound=Callable[..., Any])


def current_identity(request: HttpRequest) -> Identity | None:
    """Who has signed in with our views in the browser of a request; ``None`` for nobody.

    That is believed as long as the provider has not ended it, and Django lets the user in who was
    logged in by it, and knows no other.

    :param request: the request.
    """
    session = getattr(request, "session", None)
    if session is None or KEY not in session or not mounts():
        return None
    return read_identity(_site_of(request))


def _site_of(request: HttpRequest) -> DjangoSite:
    site = DjangoSite(request)
    if is_somebody_else(site):
        believe_in_nobody(site)
    return site


@overload
def login_required(view: View) -> View: ...
@overload
def login_required(
    view: str | None = None,
    *,
    scopes: str | Iterable[str] = (),
    max_age: int | None = None,
    acr: str | None = None,
) -> Callable[[View], View]: ...
def login_required(
    view: Any = None,
    *,
    scopes: str | Iterable[str] = (),
    max_age: int | None = None,
    acr: str | None = None,
) -> Any:
    """Show a view to people who are signed in; send others to our page to sign in, and back.

    ``@login_required`` is content with a user whom Django knows, too, however that one has logged
    in; ``@login_required("google", scopes=["calendar"])`` asks for a sign-in with our views. A
    script gets a 401 (403 for a scope that is missing) and JSON instead of a page.

    :param view: the view, or the name of the provider to sign in at.
    :param scopes: scopes that have to be granted; they are asked for in addition to those that
        were (incremental consent).
    :param max_age: seconds since the person last proved who it is (OpenID Connect Core 3.1.2.1);
        30 at the least count here, and the provider is asked for what is given.
    :param acr: how that has to be proved (Core 2).
    :raises InvalidSettingError: for a ``max_age`` that is none.
    """
    if callable(view):
        return _guard(view, SOMEBODY)
    demand = Demand.of(view, scopes, max_age, acr)
    return lambda guarded: _guard(guarded, demand)


def _guard(view: Callable[..., Any], demand: Demand) -> Callable[..., Any]:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        refusal = _refusal(request, demand)
        return view(request, *args, **kwargs) if refusal is None else refusal

    @wraps(view)
    async def guarded_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        refusal = await sync_to_async(_refusal)(request, demand)  # the session may be in a database
        return await view(request, *args, **kwargs) if refusal is None else refusal

    return guarded_async if iscoroutinefunction(view) else guarded


def _refusal(request: HttpRequest, demand: Demand) -> Any:
    if demand == SOMEBODY and user_of(request) is not None:
        return None
    shortfall = demand.shortfall(current_identity(request))
    return None if shortfall is None else step_up.ask(_site_of(request), demand, shortfall)
