"""What a view may demand of whoever is signed in, and how it is asked for."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from ..protocol.errors import DemandNotMetError
from ..protocol.errors import InvalidSettingError
from ..protocol.errors import LoginRequired
from ..protocol.errors import MissingConfigurationError
from ..protocol.errors import OAuthError
from ..protocol.oauth2.authorization import scope_to_list
from .failure import failure_page
from .failure import tell
from .identity import Identity
from .pages import this_page
from .remembered import has_just_led_to
from .remembered import short_name
from .signed_in import ASKED
from .signed_in import read_identity
from .visit import is_for_a_script
from .visit import is_ours

if TYPE_CHECKING:
    from .site import Site

_DEMAND = "_oauthclient_demand"
_LABEL = "_oauthclient_label"
#: Characters of a label that the session has room for; it may come out of an address.
_MAX_LABEL = 255
#: The least ``max_age``, in seconds, that a sign-in just now is sure to meet.
_LEAST_AGE = 30
#: Seconds after a sign-in in which the same is not asked for once more.
_NOT_AGAIN = 60


@dataclass(frozen=True, slots=True)
class Demand:
    """What a view asks for, beyond that somebody is signed in."""

    provider: str | None = None
    scopes: tuple[str, ...] = ()
    max_age: int | None = None
    acr: str | None = None

    @classmethod
    def of(
        cls,
        provider: str | None,
        scopes: str | Iterable[str],
        max_age: int | None,
        acr: str | None,
    ) -> Demand:
        """What the arguments of ``login_required`` ask for.

        :raises InvalidSettingError: for a ``max_age`` that is none.
        """
        if max_age is not None and (not isinstance(max_age, int) or max_age < 0):
            raise InvalidSettingError(
                "invalid_configuration", "login_required: max_age is a whole number of seconds."
            )
        return cls(provider, tuple(scope_to_list(scopes)), max_age, acr)

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


#: That somebody is signed in, whoever and however.
SOMEBODY = Demand()


# -- asking --------------------------------------------------------------------------------------


def ask(site: Site, demand: Demand, shortfall: str) -> Any:
    """Send somebody to sign in, as well as is demanded.

    :param site: the visit.
    :param demand: what for.
    :param shortfall: what is missing.
    """
    if is_for_a_script(site):
        return _refusal(site, shortfall)
    identity, here = read_identity(site), this_page(site)
    provider = demand.provider or (identity.provider if identity is not None else None)
    site = site.at(provider)
    asked = [provider, here, demand.as_params()]
    if identity is not None and _was_asked(site, asked, identity):
        site.session[_DEMAND] = asked  # for the button that tries it again
        error = DemandNotMetError(detail={"missing": shortfall})
        return site.finished(failure_page(site, identity.provider, error, next_url=here))
    if identity is None and has_just_led_to(site, here):
        return _not_ours(site, provider, here)
    if _brings_its_session(site):
        site.session[_DEMAND] = asked
    if provider is None:
        return site.redirect(site.path_of("login", next=here), 303)
    return site.redirect(site.path_of("start", provider=provider, next=here), 303)


def sign_in_again(site: Site, error: LoginRequired) -> Any:
    """Answer a view that needs a token that there is not, or that works no more.

    :param site: the visit.
    :param error: what the view let pass.
    """
    here, provider = this_page(site), error.client
    is_back = read_identity(site) is not None and has_just_led_to(site, here)
    if not is_for_a_script(site) and (is_back or len(error.label) > _MAX_LABEL):
        # The person has just come back from there: once more would not help.
        return _tell(site.at(provider), provider, error, here)
    if error.label and not is_for_a_script(site) and _brings_its_session(site):
        site.session[_LABEL] = [provider, short_name(here), error.label]
    return ask(site, Demand(provider), "login_required")


def _brings_its_session(site: Site) -> bool:
    """Whether something may be noted in the session.

    A form of another site comes without cookies; a new session would replace the person's.
    """
    return site.method in ("GET", "HEAD") or is_ours(site)


def _not_ours(site: Site, provider: str | None, here: str) -> Any:
    """A login led here, and still there is nobody: one more would not help."""
    error = MissingConfigurationError(
        description="on_login has answered with a response, so nobody is signed in for "
        "login_required. Return the key of the person, or protect the view in your own way."
    )
    return _tell(site, provider, error, here)


def _tell(site: Site, provider: str | None, error: OAuthError, here: str) -> Any:
    error.extra = {"next": here}
    return site.finished(tell(site, provider or site.settings.names()[0], error))


def _refusal(site: Site, shortfall: str) -> Any:
    status = 403 if shortfall == "insufficient_scope" else 401
    return site.json({"error": shortfall}, status, {"Cache-Control": "no-store"})


def _was_asked(site: Site, asked: list[Any], identity: Identity) -> bool:
    """Whether the provider was asked for this very thing just now, and gave less."""
    return site.session.get(ASKED) == asked and time.time() - identity.signed_in_at < _NOT_AGAIN


# -- what was asked ------------------------------------------------------------------------------


def take_label(site: Site, client: Any, next_url: str) -> str | None:
    """Which of several accounts the view needs that sent the person to sign in.

    :param site: the visit.
    :param client: where the person signs in.
    :param next_url: where that leads to.
    """
    noted = site.session.pop(_LABEL, None)
    if not isinstance(noted, list) or noted[:2] != [client.name, short_name(next_url)]:
        return None
    label = noted[-1]
    return label if isinstance(label, str) and len(noted) == 3 else None


def take_demand(site: Site, client: Any, next_url: str) -> dict[str, Any]:
    """What the view that sent the person to sign in asks for, as parameters of the request.

    :param site: the visit.
    :param client: where the person signs in.
    :param next_url: where that leads to.
    """
    asked = site.session.pop(_DEMAND, None)
    if not isinstance(asked, list) or len(asked) != 3:
        return {}
    for_provider, here, params = asked
    if for_provider not in (None, client.name) or here != next_url or not isinstance(params, dict):
        return {}
    if params:
        site.session[ASKED] = [client.name, here, params]
    if "scope" not in params:
        return params
    return {**params, "scope": _widened(site, client, params["scope"])}


def _widened(site: Site, client: Any, scope: str) -> str:
    """A scope together with what is asked for in any case, and what was granted there before."""
    identity = read_identity(site)
    had = identity.scopes if identity is not None and identity.provider == client.name else ()
    usual = scope_to_list(client.client_kwargs.get("scope"))
    return " ".join(dict.fromkeys([*usual, *had, *scope.split()]))
