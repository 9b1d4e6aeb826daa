"""What the session remembers of logins that were begun or completed just now."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING
from typing import Any

from ..protocol.errors import OAuthError
from ..protocol.random import generate_token
from .form_post import HANDLE
from .form_post import read_handle
from .next_url import safe_next
from .pages import home
from .pages import value

if TYPE_CHECKING:
    from .site import Site

#: Seconds in which a callback that is repeated goes where the login went.
REPEATED = 30
#: Seconds in which a login begins anew by itself no more than once.
_AGAIN_LIFETIME = 600
#: Key of the session for the logins that were completed just now.
DONE = "_oauthclient_done"
#: Query parameter that says that a login begins anew by itself.
AGAIN = "again"

_NEXT = "_oauthclient_next"
_AGAIN = "_oauthclient_again"
#: Characters of a path that the session keeps for the case that everything else is lost.
_MAX_NEXT = 512
_MAX_DONE = 4


def remember_start(site: Site, next_url: str) -> None:
    """Note where a login shall lead to, for the case that its own data are lost."""
    if next_url == home(site) or len(next_url) > _MAX_NEXT:
        site.session.pop(_NEXT, None)
    else:
        site.session[_NEXT] = next_url


def remember_success(site: Site, next_url: str) -> None:
    """Note where a login went, for a callback that is called once more."""
    now, done = int(time.time()), _recently_done(site)
    while len(done) >= _MAX_DONE:
        del done[next(iter(done))]
    is_short = len(next_url) <= _MAX_NEXT
    done[_tag(site)] = [now, next_url] if is_short else [now, home(site), short_name(next_url)]
    # A text, which Flask need not walk through on each request.
    site.session[DONE] = json.dumps(done)
    for name in (_AGAIN, _NEXT):
        site.session.pop(name, None)


def has_just_led_to(site: Site, next_url: str) -> bool:
    """Whether a login of this browser was completed just now, and led to a page."""
    return any(at[-1] == short_name(next_url) for at in _recently_done(site).values())


def short_name(next_url: str) -> str:
    """A page as the session remembers it: a long address by its hash."""
    if len(next_url) <= _MAX_NEXT:
        return next_url
    return hashlib.sha256(next_url.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def next_of(site: Site, error: OAuthError) -> str:
    """What the person wanted to see: as far as the login knows, else the last one begun."""
    extra = error.extra
    known = extra.get("next") if isinstance(extra, dict) else site.session.get(_NEXT)
    return safe_next(known, default=home(site))


def next_of_repeated(site: Site, error: OAuthError) -> str | None:
    """Where to go, if this is the callback of a login that was completed just now."""
    if error.error != "state_used":
        return None
    done = _recently_done(site).get(_tag(site))
    return safe_next(done[1], default=home(site)) if done is not None else None


def _tag(site: Site) -> str:
    """A login's name in the session: enough of its state to tell it from a few others."""
    handle = site.query(HANDLE)
    if handle:
        posted = dict(read_handle(site.state.sealer, site.path, handle[0]) or ())
        return (posted.get("state") or posted.get("oauth_token") or "")[:8]
    return (value(site, "state") or value(site, "oauth_token") or "")[:8]


def _recently_done(site: Site) -> dict[str, Any]:
    try:
        done = json.loads(site.session.get(DONE, "{}"))
    except (TypeError, ValueError):
        return {}
    return {tag: at for tag, at in done.items() if _is_recent(at)} if isinstance(done, dict) else {}


def _is_recent(noted: Any) -> bool:
    if not isinstance(noted, list) or len(noted) < 2 or not isinstance(noted[0], int | float):
        return False
    return 0 <= time.time() - noted[0] <= REPEATED


# -- beginning anew ------------------------------------------------------------------------------


def note_anew(site: Site, provider: str) -> str:
    """Note that a login begins anew by itself.

    :returns: a mark of this one, for the browser to bring back.
    """
    mark = generate_token(12)
    site.session[_AGAIN] = [int(time.time()), provider, mark]
    return mark


def is_begun_anew(site: Site, provider: str) -> bool:
    """Whether this login is one that begins anew, by the browser that was told to."""
    mark, noted = site.query(AGAIN), noted_anew(site)
    return bool(mark) and noted is not None and noted[1:] == [provider, mark[0]]


def noted_anew(site: Site) -> list[Any] | None:
    """The login of this browser that has begun anew by itself, if there is one."""
    noted = site.session.get(_AGAIN)
    if not isinstance(noted, list) or len(noted) != 3 or not isinstance(noted[0], int | float):
        return None
    return noted if time.time() - noted[0] <= _AGAIN_LIFETIME else None
