"""Who is signed in at the provider, by its own cookie, and the pages they have open."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import secrets
import typing as t
from http.cookies import CookieError
from http.cookies import SimpleCookie

from .call import Call
from .errors import PageRefusal
from .grants import Bounded
from .grants import Grant

if t.TYPE_CHECKING:
    from .authorization import AuthorizationRequest

#: How many pages may be open at a time before the oldest stops working.
MAX_PAGES = 2_000


@dataclasses.dataclass(slots=True)
class BrowserSession:
    """One browser, signed in or not."""

    key: str = dataclasses.field(default_factory=secrets.token_urlsafe, repr=False)
    #: Proves that a form was filled on a page of ours (against CSRF).
    form_token: str = dataclasses.field(default_factory=secrets.token_urlsafe, repr=False)
    sid: str = dataclasses.field(default_factory=secrets.token_urlsafe)
    sub: str | None = None
    auth_time: int = 0
    #: The scopes that this person allowed to each client.
    consents: dict[str, frozenset[str]] = dataclasses.field(
        default_factory=dict[str, frozenset[str]]
    )

    def has_allowed(self, client_id: str, scopes: tuple[str, ...]) -> bool:
        """Tell whether consent was given before.

        :param client_id: The client.
        :param scopes: What it asks for now.
        :returns: Whether all of it was allowed in this session.
        """
        return set(scopes) <= self.consents.get(client_id, frozenset())

    def allow(self, client_id: str, scopes: tuple[str, ...]) -> None:
        """Remember a consent.

        :param client_id: The client.
        :param scopes: What was allowed.
        """
        self.consents[client_id] = self.consents.get(client_id, frozenset()) | set(scopes)


@dataclasses.dataclass(slots=True)
class Interaction:
    """An authorization request that waits for the person to decide."""

    request: AuthorizationRequest
    session_key: str = dataclasses.field(repr=False)
    signed_in: bool = False
    id: str = dataclasses.field(default_factory=secrets.token_urlsafe)


@dataclasses.dataclass(frozen=True, slots=True)
class PendingLogout:
    """A sign-out that waits for the person to confirm it."""

    session_key: str = dataclasses.field(repr=False)
    target: str | None
    client_title: str | None
    id: str = dataclasses.field(default_factory=secrets.token_urlsafe)


class Sessions:
    """All browsers and their open pages."""

    def __init__(self) -> None:
        self._sessions: Bounded[str, BrowserSession] = Bounded()
        self._interactions: Bounded[str, Interaction] = Bounded(MAX_PAGES)
        self._logouts: Bounded[str, PendingLogout] = Bounded(MAX_PAGES)
        self._id_tokens: Bounded[str, Grant] = Bounded()

    def of(self, call: Call, cookie_name: str) -> BrowserSession | None:
        """Find the browser that sends a request.

        :param call: The request.
        :param cookie_name: The name of the provider's cookie.
        :returns: Its session, if it has one.
        """
        try:
            morsel = SimpleCookie(call.headers.get("Cookie", "")).get(cookie_name)
        except CookieError:
            return None
        return None if morsel is None else self._sessions.get(morsel.value)

    def start(self) -> BrowserSession:
        """Begin a session in which nobody is signed in.

        :returns: The session.
        """
        session = BrowserSession()
        self._sessions[session.key] = session
        return session

    def sign_in(self, old: BrowserSession, sub: str, now: int) -> BrowserSession:
        """Sign somebody in, under a new cookie so that a planted one is worth nothing.

        :param old: The session until now, which ends.
        :param sub: Who signs in.
        :param now: The time.
        :returns: The new session.
        """
        self._sessions.pop(old.key, None)
        # The same person again is the same session to the client (Core 2, sid), but seen later.
        again = {"sid": old.sid, "consents": old.consents} if old.sub == sub else {}
        session = BrowserSession(sub=sub, auth_time=now, **again)  # type: ignore[arg-type]
        self._sessions[session.key] = session
        return session

    def end(self, session: BrowserSession) -> None:
        """Sign somebody out.

        :param session: The session, which ends.
        """
        self._sessions.pop(session.key, None)

    def add_interaction(self, interaction: Interaction) -> None:
        """Keep an authorization request until the person has decided.

        :param interaction: The interaction.
        """
        self._interactions[interaction.id] = interaction

    def interaction(self, name: str, session: BrowserSession | None) -> Interaction:
        """Find the page that a browser has open.

        :param name: The interaction's id, from the path.
        :param session: The browser.
        :returns: The interaction.
        :raises PageRefusal: if it is over, or belongs to another browser.
        """
        interaction = self._interactions.get(name)
        if interaction is None or session is None or interaction.session_key != session.key:
            raise PageRefusal(
                "This page is out of date",
                "The sign-in was finished, is too old, or began in another browser. "
                "Go back to the application and start again.",
            )
        return interaction

    def finish_interaction(self, interaction: Interaction) -> None:
        """Drop an interaction, so that its forms work once.

        :param interaction: The interaction.
        """
        self._interactions.pop(interaction.id, None)

    def add_logout(self, logout: PendingLogout) -> None:
        """Keep a sign-out until it is confirmed.

        :param logout: The sign-out.
        """
        self._logouts[logout.id] = logout

    def take_logout(self, name: str, session: BrowserSession | None) -> PendingLogout:
        """Take a sign-out that the browser decides about.

        :param name: Its id.
        :param session: The browser.
        :returns: The sign-out.
        :raises PageRefusal: if it is over, or belongs to another browser.
        """
        logout = self._logouts.get(name)
        if logout is None or session is None or logout.session_key != session.key:
            raise PageRefusal("This page is out of date", "Start the sign-out again.")
        del self._logouts[name]
        return logout

    def remember_id_token(self, token: str, grant: Grant) -> None:
        """Keep an ID token, so that it is known when it comes back as ``id_token_hint``.

        :param token: The token.
        :param grant: Where it comes from.
        """
        self._id_tokens[token] = grant

    def issued_id_token(self, token: str | None) -> Grant | None:
        """Look up an ``id_token_hint``. What this provider didn't issue, it doesn't know.

        :param token: The hint.
        :returns: Where it comes from.
        """
        return None if token is None else self._id_tokens.get(token)


def check_form_token(call: Call, session: BrowserSession) -> None:
    """Make sure that a form was sent from our own page.

    :param call: The form's request.
    :param session: The browser.
    :raises PageRefusal: if it wasn't.
    """
    sent = call.form.get("form_token", "")
    if not hmac.compare_digest(sent.encode(), session.form_token.encode()):
        raise PageRefusal("This form did not come from our page", "Start again.", 403)


def cookie_name_for(issuer: str) -> str:
    """Name the session cookie.

    :param issuer: The issuer.
    :returns: A name that no other issuer on the same host has: cookies don't know about ports.
    """
    return f"devprovider_{hashlib.sha256(issuer.encode()).hexdigest()[:8]}"
