"""``login_required``: views for people who are signed in, well enough for what they want."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Iterable
from functools import wraps
from typing import Any

from flask import abort
from flask import current_app
from flask import jsonify
from flask import redirect
from flask import request
from flask import session
from flask import url_for

from ..protocol.errors import MissingConfigurationError
from .identity import Identity
from .identity import read_identity
from .visit import is_for_a_script

_DEMAND = "_oauthclient_demand"
#: Endpoints of mounted blueprints, by application.
MOUNTED = "oauthclient_blueprints"


class _Demand:
    """What a view asks for, beyond that somebody is signed in."""

    __slots__ = ("acr", "max_age", "provider", "scopes")

    def __init__(
        self, provider: str | None, scopes: Iterable[str], max_age: int | None, acr: str | None
    ) -> None:
        self.provider = provider
        self.scopes = tuple(scopes)
        self.max_age = max_age
        self.acr = acr

    def is_met_by(self, identity: Identity) -> bool:
        """Whether a sign-in is good enough."""
        if self.provider is not None and identity.provider != self.provider:
            return False
        if self.acr is not None and identity.acr != self.acr:
            return False
        if self.max_age is not None:
            proven = identity.auth_time or identity.signed_in_at
            if time.time() - proven > self.max_age:
                return False
        return set(self.scopes) <= set(identity.scopes)

    def as_params(self, identity: Identity | None) -> dict[str, Any]:
        """Parameters of the authorization request that asks for it."""
        params: dict[str, Any] = {}
        if self.scopes:
            had = identity.scopes if identity is not None else ()
            params["scope"] = " ".join(dict.fromkeys([*had, *self.scopes]))
        if self.max_age is not None:
            params["max_age"] = self.max_age
        if self.acr is not None:
            params["acr_values"] = self.acr
        return params


def login_required(
    view: Any = None,
    *,
    scopes: Iterable[str] = (),
    max_age: int | None = None,
    acr: str | None = None,
) -> Any:
    """Show a view to people who are signed in; send others to sign in, and back.

    ``@login_required``, or ``@login_required("google", scopes=["calendar"])``. A script gets a
    401 instead of a page.

    :param view: the view, or the name of the provider to sign in at.
    :param scopes: scopes that have to be granted; they are asked for in addition.
    :param max_age: seconds since the person last proved who it is.
    :param acr: how that has to be proved (OpenID Connect Core 2).
    """
    if callable(view):
        return _guard(view, _Demand(None, (), None, None))
    demand = _Demand(view, scopes, max_age, acr)
    return lambda guarded: _guard(guarded, demand)


def _guard(view: Callable[..., Any], demand: _Demand) -> Callable[..., Any]:
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        identity = read_identity()
        if identity is not None and demand.is_met_by(identity):
            return current_app.ensure_sync(view)(*args, **kwargs)
        return _ask(demand, identity)

    return guarded


def _ask(demand: _Demand, identity: Identity | None) -> Any:
    if is_for_a_script():
        response = jsonify(error="login_required")
        response.status_code = 401
        return response
    provider = demand.provider or (identity.provider if identity is not None else None)
    params = demand.as_params(identity)
    asked = [provider, request.path, params]
    if identity is not None and params and session.get(f"{_DEMAND}_asked") == asked:
        abort(403)  # the provider was asked for it, and gave less
    if provider is not None and params:
        session[_DEMAND] = asked
    here = request.full_path.rstrip("?") if request.method == "GET" else "/"
    values: dict[str, Any] = {"next": here, **({"provider": provider} if provider else {})}
    endpoint = "start" if provider else "login"
    return redirect(url_for(f"{_blueprint()}.{endpoint}", **values))


def take_demand(provider: str) -> dict[str, Any]:
    """What the view that sent the person to sign in asks for, as parameters of the request."""
    asked = session.pop(_DEMAND, None)
    if not isinstance(asked, list) or len(asked) != 3 or asked[0] != provider:
        return {}
    session[f"{_DEMAND}_asked"] = asked
    params: dict[str, Any] = asked[2]
    return params


def _blueprint() -> str:
    mounted = current_app.extensions.get(MOUNTED)
    if not mounted:
        raise MissingConfigurationError(
            "missing_configuration",
            "login_required needs the blueprint: app.register_blueprint(oauth.create_blueprint()).",
        )
    return str(mounted[0])
