"""``login_required``: views for people who are signed in, well enough for what they want."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import dataclass
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any
from typing import TypeVar
from typing import overload

from flask import current_app
from flask import jsonify
from flask import make_response
from flask import redirect
from flask import request
from flask import session

from ..protocol.errors import DemandNotMetError
from ..protocol.errors import InvalidSettingError
from ..protocol.errors import LoginRequired
from ..protocol.errors import MissingConfigurationError
from ..protocol.oauth2.authorization import scope_to_list
from .failure import failure_page
from .failure import has_just_led_to
from .failure import short_name
from .failure import tell
from .identity import Identity
from .mounted import route_for
from .mounted import settings_for
from .pages import add_headers
from .pages import this_page
from .signed_in import ASKED
from .signed_in import read_identity
from .signed_in import read_kept
from .visit import is_for_a_script
from .visit import is_ours

_DEMAND = "_oauthclient_demand"
_LABEL = "_oauthclient_label"
#: Characters of a label that the session has room for; it may come out of an address.
_MAX_LABEL = 255
#: The least ``max_age``, in seconds, that a sign-in just now is sure to meet.
_LEAST_AGE = 30
#: Seconds after a sign-in in which the same is not asked for once more.
_NOT_AGAIN = 60

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Demand:
    """What a view asks for, beyond that somebody is signed in."""

    provider: str | None = None
    scopes: tuple[str, ...] = ()
    max_age: int | None = None
    acr: str | None = None

    def shortfall(self, identity: Identity | None) -> str | None:
        """What is missing, as an error code for scripts; ``None`` if a sign-in is good enough."""
        if identity is None or self.provider not in (None, identity.provider):
            return "login_required"
        if not set(self.scopes) <= set(identity.scopes):
            return "insufficient_scope"
        if self._is_too_old(identity) or self.acr not in (None, identity.acr):
            return "insufficient_user_authentication"  # RFC 9470 section 3
        return None

    def _is_too_old(self, identity: Identity) -> bool:
        if self.max_age is None:
            return False
        # An OpenID provider says when, if it is asked (Core 2): a sign-in alone proves nothing
        # there, as somebody may have been signed in at the provider for days.
        told = identity.auth_time
        proven = identity.signed_in_at if told is None and identity.issuer is None else told or 0
        # The way back from the provider takes its time, and clocks differ.
        return time.time() - proven > max(self.max_age, _LEAST_AGE)

    def as_params(self) -> dict[str, Any]:
        """Parameters of the authorization request that asks for it."""
        params: dict[str, Any] = {}
        if self.scopes:
            params["scope"] = " ".join(self.scopes)
        if self.max_age is not None:
            params["max_age"] = self.max_age
        if self.acr is not None:
            params["acr_values"] = self.acr
        return params


_SOMEBODY = Demand()


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
        return _guard(view, _SOMEBODY)
    if max_age is not None and (not isinstance(max_age, int) or max_age < 0):
        raise InvalidSettingError(
            "invalid_configuration", "login_required: max_age is a whole number of seconds."
        )
    demand = Demand(view, tuple(scope_to_list(scopes)), max_age, acr)
    return lambda guarded: _guard(guarded, demand)


def _guard(view: Callable[..., Any], demand: Demand) -> Callable[..., Any]:
    for_somebody = demand == _SOMEBODY
    is_async = iscoroutinefunction(view)

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        shortfall = None
        if not for_somebody or read_kept() is None:
            shortfall = demand.shortfall(read_identity())
        if shortfall is not None:
            return ask(demand, shortfall)
        return (current_app.ensure_sync(view) if is_async else view)(*args, **kwargs)

    return guarded


def ask(demand: Demand, shortfall: str) -> Any:
    """Send somebody to sign in, as well as is demanded.

    :param demand: what for.
    :param shortfall: what is missing.
    """
    if is_for_a_script():
        return _refusal(shortfall)
    identity, here = read_identity(), this_page()
    provider = demand.provider or (identity.provider if identity is not None else None)
    asked = [provider, here, demand.as_params()]
    if identity is not None and _was_asked(asked, identity):
        session[_DEMAND] = asked  # for the button that tries it again
        error = DemandNotMetError(detail={"missing": shortfall})
        page = failure_page(settings_for(provider), identity.provider, error, next_url=here)
        return add_headers(make_response(page))
    if identity is None and has_just_led_to(here):
        return _not_ours(provider, here)
    if _brings_its_session():
        session[_DEMAND] = asked
    if provider is None:
        return redirect(route_for("login", next=here), 303)
    return redirect(route_for("start", provider, next=here), 303)


def sign_in_again(error: LoginRequired) -> Any:
    """Answer a view that needs a token that there is not, or that works no more.

    :param error: what the view let pass.
    """
    here, provider = this_page(), error.client
    is_back = read_identity() is not None and has_just_led_to(here)
    if not is_for_a_script() and (is_back or len(error.label) > _MAX_LABEL):
        # The person has just come back from there: once more would not help.
        error.extra = {"next": here}
        name = provider or settings_for(None).names()[0]
        return add_headers(make_response(tell(settings_for(provider), name, error)))
    if error.label and not is_for_a_script() and _brings_its_session():
        session[_LABEL] = [provider, short_name(here), error.label]
    return ask(Demand(provider), "login_required")


def _brings_its_session() -> bool:
    """Whether something may be noted in the session.

    A form of another site comes without cookies; a new session would replace the person's.
    """
    return request.method in ("GET", "HEAD") or is_ours()


def take_label(client: Any, next_url: str) -> str | None:
    """Which of several accounts the view needs that sent the person to sign in.

    :param client: where the person signs in.
    :param next_url: where that leads to.
    """
    noted = session.pop(_LABEL, None)
    if not isinstance(noted, list) or noted[:2] != [client.name, short_name(next_url)]:
        return None
    label = noted[-1]
    return label if isinstance(label, str) and len(noted) == 3 else None


def _not_ours(provider: str | None, here: str) -> Any:
    """A login led here, and still there is nobody: one more would not help."""
    settings = settings_for(provider)
    error = MissingConfigurationError(
        description="on_login has answered with a response, so nobody is signed in for "
        "login_required. Return the key of the person, or protect the view in your own way."
    )
    error.extra = {"next": here}
    return add_headers(make_response(tell(settings, provider or settings.names()[0], error)))


def _refusal(shortfall: str) -> Any:
    response = jsonify(error=shortfall)
    response.status_code = 403 if shortfall == "insufficient_scope" else 401
    response.headers["Cache-Control"] = "no-store"
    return response


def _was_asked(asked: list[Any], identity: Identity) -> bool:
    """Whether the provider was asked for this very thing just now, and gave less."""
    return session.get(ASKED) == asked and time.time() - identity.signed_in_at < _NOT_AGAIN


def take_demand(client: Any, next_url: str) -> dict[str, Any]:
    """What the view that sent the person to sign in asks for, as parameters of the request.

    :param client: where the person signs in.
    :param next_url: where that leads to.
    """
    asked = session.pop(_DEMAND, None)
    if not isinstance(asked, list) or len(asked) != 3:
        return {}
    for_provider, here, params = asked
    if for_provider not in (None, client.name) or here != next_url or not isinstance(params, dict):
        return {}
    if params:
        session[ASKED] = [client.name, here, params]
    return {**params, "scope": _widened(client, params["scope"])} if "scope" in params else params


def _widened(client: Any, scope: str) -> str:
    """A scope together with what is asked for in any case, and what was granted there before."""
    identity = read_identity()
    had = identity.scopes if identity is not None and identity.provider == client.name else ()
    usual = scope_to_list(client.client_kwargs.get("scope"))
    return " ".join(dict.fromkeys([*usual, *had, *scope.split()]))
