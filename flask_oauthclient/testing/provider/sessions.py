"""Who is signed in at the provider, and the pages that people have open.

Both are bound to a browser by a cookie: the session by one for the whole issuer, each open page by
one of its own, which only goes to that page's path. So several tabs at once don't disturb each
other, whoever signs in first.
"""

from __future__ import annotations

import dataclasses
import functools
import hmac
import secrets
import typing as t

from .call import Call
from .errors import PageRefusal
from .grants import Bounded
from .grants import Grant

if t.TYPE_CHECKING:
    from .authorization import AuthorizationRequest

#: How many pages may be open at a time before the oldest stops working.
MAX_PAGES = 2_000
#: How long an open page works, in seconds, as far as its cookie is concerned.
PAGE_LIFETIME = 3_600

_new_secret = functools.partial(secrets.token_urlsafe, 24)


@dataclasses.dataclass(slots=True)
class BrowserSession:
    """A browser in which somebody is signed in."""

    sub: str
    auth_time: int
    key: str = dataclasses.field(default_factory=_new_secret, repr=False)
    sid: str = dataclasses.field(default_factory=_new_secret)
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
        return client_id in self.consents and set(scopes) <= self.consents[client_id]

    def allow(self, client_id: str, scopes: tuple[str, ...]) -> None:
        """Remember a consent.

        :param client_id: The client.
        :param scopes: What was allowed.
        """
        self.consents[client_id] = self.consents.get(client_id, frozenset()) | set(scopes)


@dataclasses.dataclass(slots=True, kw_only=True)
class OpenPage:
    """A page with a form that waits for the person to decide."""

    id: str = dataclasses.field(default_factory=_new_secret)
    #: The value of the page's cookie.
    key: str = dataclasses.field(default_factory=_new_secret, repr=False)
    #: Proves that the form was filled in on our page (against CSRF).
    form_token: str = dataclasses.field(default_factory=_new_secret, repr=False)


@dataclasses.dataclass(slots=True)
class Interaction(OpenPage):
    """An authorization request that waits."""

    request: AuthorizationRequest
    signed_in: bool = False


@dataclasses.dataclass(slots=True)
class PendingLogout(OpenPage):
    """A sign-out that waits."""

    target: str | None


PageT = t.TypeVar("PageT", bound=OpenPage)


class OpenPages(t.Generic[PageT]):
    """The open pages of one kind."""

    def __init__(self) -> None:
        self._pages: Bounded[str, PageT] = Bounded(MAX_PAGES)

    def add(self, page: PageT) -> PageT:
        """Keep a page.

        :param page: The page.
        :returns: The page.
        """
        self._pages[page.id] = page
        return page

    def find(self, name: str, cookie: str | None) -> PageT:
        """Find a page.

        :param name: Its id, from the path.
        :param cookie: What the browser sent as the page's cookie.
        :returns: The page.
        :raises PageRefusal: if it is over, or belongs to another browser.
        """
        page = self._pages.get(name)
        if page is None or not _equal(page.key, cookie):
            raise _out_of_date()
        return page

    def finish(self, page: PageT) -> None:
        """Close a page, so that what was decided there is decided once.

        :param page: The page.
        :raises PageRefusal: if it was closed before.
        """
        if self._pages.pop(page.id, None) is None:
            raise _out_of_date()


def _out_of_date() -> PageRefusal:
    return PageRefusal(
        "This page is out of date",
        "What it asked was decided before, is too old, or belongs to another browser. "
        "Go back to the application and start again.",
    )


def check_form_token(call: Call, page: OpenPage) -> None:
    """Make sure that a form was sent from our own page.

    :param call: The form's request.
    :param page: The page.
    :raises PageRefusal: if it wasn't.
    """
    if not _equal(page.form_token, call.form.get("form_token")):
        raise PageRefusal("This form did not come from our page", "Start again.", 403)


def _equal(expected: str, sent: str | None) -> bool:
    return sent is not None and hmac.compare_digest(expected.encode(), sent.encode())


class Sessions:
    """All browsers in which somebody is signed in."""

    def __init__(self) -> None:
        self._sessions: Bounded[str, BrowserSession] = Bounded()
        self._id_tokens: Bounded[str, Grant] = Bounded()

    def find(self, key: str | None) -> BrowserSession | None:
        """Find a session.

        :param key: What the browser sent as the session's cookie.
        :returns: The session, if there is one.
        """
        return None if key is None else self._sessions.get(key)

    def sign_in(self, old: BrowserSession | None, sub: str, now: int) -> BrowserSession:
        """Sign somebody in, under a new cookie so that a planted one is worth nothing.

        :param old: The browser's session until now, which ends.
        :param sub: Who signs in.
        :param now: The time.
        :returns: The new session.
        """
        session = BrowserSession(sub, now)
        if old is not None:
            self.end(old)
            if old.sub == sub:
                # The same person again: to the clients it is the same session, seen later.
                session.sid, session.consents = old.sid, old.consents
        self._sessions[session.key] = session
        return session

    def end(self, session: BrowserSession) -> None:
        """Sign somebody out.

        :param session: The session, which ends.
        """
        self._sessions.pop(session.key, None)

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
