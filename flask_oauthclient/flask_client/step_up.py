"""``login_required``: views for people who are signed in, well enough for what they want."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any
from typing import TypeVar
from typing import overload

from flask import current_app

from ..protocol.errors import LoginRequired
from ..sign_in import step_up
from ..sign_in.step_up import SOMEBODY
from ..sign_in.step_up import Demand
from .signed_in import read_identity
from .signed_in import read_kept
from .site import FlaskSite

View = TypeVar("View", bound=Callable[..., Any])


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
    """Show a view to people who are signed in; send others to sign in, and back.

    ``@login_required``, or ``@login_required("google", scopes=["calendar"])``. A script gets a
    401 (403 for a scope that is missing) and JSON instead of a page.

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
    for_somebody = demand == SOMEBODY
    is_async = iscoroutinefunction(view)

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        shortfall = None
        if not for_somebody or read_kept() is None:
            shortfall = demand.shortfall(read_identity())
        if shortfall is not None:
            return step_up.ask(FlaskSite(), demand, shortfall)
        return (current_app.ensure_sync(view) if is_async else view)(*args, **kwargs)

    return guarded


def sign_in_again(error: LoginRequired) -> Any:
    """Answer a view that needs a token that there is not, or that works no more.

    :param error: what the view let pass.
    """
    return step_up.sign_in_again(FlaskSite(), error)
