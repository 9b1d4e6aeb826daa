"""A login that failed: whether it may go on all the same, and the page that says why."""

from __future__ import annotations

import time
from typing import Any

from flask import redirect
from flask import render_template
from flask import request
from flask import session

from ..protocol.errors import OAuthError
from ..protocol.urls import add_params
from .safe_next import safe_next
from .texts import translator

#: Seconds in which a callback that is repeated goes where the login went.
REPEATED = 30
#: Why a login may be begun anew without asking.
_LOST = frozenset({"state_lost", "state_expired"})

#: Where the session keeps what the login that was begun last shall lead to.
NEXT = "_oauthclient_next"
_DONE = "_oauthclient_done"
_AGAIN = "_oauthclient_again"


class Failure:
    """A login that failed.

    :param provider: name of the client.
    :param error: why.
    """

    def __init__(self, provider: str, error: OAuthError) -> None:
        self.provider = provider
        self.error = error

    @property
    def next_url(self) -> str:
        """What the person wanted to see: as far as the login knows, else of the last one begun."""
        extra = self.error.extra
        known = extra.get("next") if isinstance(extra, dict) else session.get(NEXT)
        return safe_next(known, default=f"{request.script_root}/")

    @staticmethod
    def remember_success(next_url: str) -> None:
        """Note where a login went, for a callback that is called once more."""
        session[_DONE] = [int(time.time()), next_url]
        session.pop(_AGAIN, None)

    def next_of_repeated(self) -> str | None:
        """Where to go, if this is the callback of a login that was completed just now."""
        done = session.get(_DONE)
        if self.error.error != "state_used" or not isinstance(done, list) or len(done) != 2:
            return None
        at, next_url = done
        recent = isinstance(at, int) and 0 <= time.time() - at <= REPEATED
        return safe_next(next_url) if recent else None

    def may_begin_anew(self) -> bool:
        """Whether the login may start again by itself: once, and only if cookies arrive."""
        if self.error.error not in _LOST or not session or session.get(_AGAIN) == self.provider:
            return False
        session[_AGAIN] = self.provider
        return True

    def page(self, retry_url: str) -> Any:
        """The page, or a redirect to the provider where that helps.

        :param retry_url: where a login at this provider starts.
        """
        if request.method == "GET" and self.may_begin_anew():
            return redirect(add_params(retry_url, [("next", self.next_url)]))
        words = translator([language for language, _ in request.accept_languages])
        title, message = words.failure(self.error.error)
        page = render_template(
            "oauthclient/error.html",
            words=words,
            title=title,
            message=message,
            code=self.error.error,
            status=self.error.http_status,
            docs_url=None,
            retry_url=retry_url,
            next=self.next_url,
            home_url=f"{request.script_root}/",
        )
        return page, self.error.http_status
