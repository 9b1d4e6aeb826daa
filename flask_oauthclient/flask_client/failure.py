"""A login that failed: whether it may go on all the same, and the page that says why."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

from flask import current_app
from flask import redirect
from flask import request
from flask import session

from .._version import DOCUMENTATION
from ..protocol.error_codes import CODES
from ..protocol.error_codes import REFUSALS
from ..protocol.errors import AuthorizationError
from ..protocol.errors import ConfigurationError
from ..protocol.errors import OAuthError
from ..protocol.errors import TokenRequestError
from ..protocol.random import generate_token
from . import signals
from .form_post import HANDLE
from .form_post import read_handle
from .mounted import app_state
from .mounted import route_for
from .next_url import safe_next
from .pages import home
from .pages import path_of
from .pages import render
from .settings import BlueprintSettings
from .settings import this_app
from .signed_in import read_identity
from .texts import words_of_request

#: Seconds in which a callback that is repeated goes where the login went.
REPEATED = 30
#: Seconds in which a login begins anew by itself no more than once.
_AGAIN_LIFETIME = 600
#: Key of the session for the logins that were completed just now.
DONE = "_oauthclient_done"
#: Query parameter that says that a login begins anew by itself.
AGAIN = "again"

#: What may begin anew. Not a state that another browser has: somebody else sent it here.
_LOST = frozenset({"state_lost", "state_expired"})

_NEXT = "_oauthclient_next"
_AGAIN = "_oauthclient_again"
#: Characters of a path that the session keeps for the case that everything else is lost.
_MAX_NEXT = 512
_MAX_DONE = 4


def fail(settings: BlueprintSettings, provider: str, error: OAuthError) -> Any:
    """Answer a login that did not succeed.

    :param settings: of the blueprint.
    :param provider: name of the client.
    :param error: why.
    """
    ahead = _next_of_repeated(error) or _begin_anew(provider, error)
    if ahead is not None:
        return redirect(ahead)
    return tell(settings, provider, error)


def tell(settings: BlueprintSettings, provider: str, error: OAuthError) -> Any:
    """Tell everybody that a login did not succeed: the log, the application, the person.

    :param settings: of the blueprint.
    :param provider: name of the client.
    :param error: why.
    """
    _log(provider, error)
    signals.login_failed.send(this_app(), name=provider, error=error)
    answer = settings.on_error(error) if settings.on_error is not None else None
    return failure_page(settings, provider, error) if answer is None else answer


def _log(provider: str, error: OAuthError) -> None:
    """What users do is information; what only the developer can mend is an error."""
    if isinstance(error, ConfigurationError) or error.error == "invalid_client":
        current_app.logger.error("login at %s failed: %s %s", provider, error, error.detail)
    else:
        current_app.logger.info("login at %s failed: %s %s", provider, error.error, error.detail)


def failure_page(
    settings: BlueprintSettings, provider: str, error: OAuthError, next_url: str | None = None
) -> Any:
    """The page that says why, with a button to try again."""
    code = _code_of(error)
    text = words_of_request().failure(code)
    is_known = code in CODES or code in REFUSALS
    switching = code == "account_mismatch"
    page = render(
        "error.html",
        title=text.title,
        # A code of the application's own comes with words of its own.
        message=text.message if is_known else error.description or text.message,
        code=code,
        status=error.http_status,
        hint=error.description if current_app.debug else None,
        docs_url=_docs_url(settings, code) if is_known else None,
        retry_url=route_for("link" if _was_linking(error) else "start", provider),
        switching=switching,
        next=next_url or next_of(error),
    )
    # The application refuses somebody; it has not failed.
    is_refusal = not is_known and error.http_status == OAuthError.http_status
    return page, 403 if is_refusal else error.http_status


def _docs_url(settings: BlueprintSettings, code: str) -> str | None:
    base = DOCUMENTATION if settings.docs_url is None else settings.docs_url
    return f"{base}{OAuthError(code).docs}" if base else None


def _was_linking(error: OAuthError) -> bool:
    return isinstance(error.extra, dict) and bool(error.extra.get("link"))


def _code_of(error: OAuthError) -> str:
    """The code to show: a code that a provider made up is words of the provider."""
    is_theirs = isinstance(error, AuthorizationError | TokenRequestError)
    if is_theirs and error.error not in CODES and error.error not in REFUSALS:
        return type(error).error
    return error.error


# -- what the session remembers ----------------------------------------------------------------


def remember_start(next_url: str) -> None:
    """Note where a login shall lead to, for the case that its own data are lost."""
    if next_url == home() or len(next_url) > _MAX_NEXT:
        session.pop(_NEXT, None)
    else:
        session[_NEXT] = next_url


def remember_success(next_url: str) -> None:
    """Note where a login went, for a callback that is called once more."""
    now, done = int(time.time()), _recently_done()
    while len(done) >= _MAX_DONE:
        del done[next(iter(done))]
    is_short = len(next_url) <= _MAX_NEXT
    done[_tag()] = [now, next_url] if is_short else [now, home(), short_name(next_url)]
    session[DONE] = json.dumps(done)  # a text, which Flask need not walk through on each request
    for name in (_AGAIN, _NEXT):
        session.pop(name, None)


def has_just_led_to(next_url: str) -> bool:
    """Whether a login of this browser was completed just now, and led to a page."""
    return any(at[-1] == short_name(next_url) for at in _recently_done().values())


def short_name(next_url: str) -> str:
    """A page as the session remembers it: a long address by its hash."""
    if len(next_url) <= _MAX_NEXT:
        return next_url
    return hashlib.sha256(next_url.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def next_of(error: OAuthError) -> str:
    """What the person wanted to see: as far as the login knows, else the last one begun."""
    extra = error.extra
    known = extra.get("next") if isinstance(extra, dict) else session.get(_NEXT)
    return safe_next(known, default=home())


def _tag() -> str:
    """A login's name in the session: enough of its state to tell it from a few others."""
    handle = request.args.get(HANDLE)
    posted = dict(read_handle(app_state().sealer, handle) or ()) if handle is not None else None
    params = request.values if posted is None else posted
    return (params.get("state") or params.get("oauth_token") or "")[:8]


def _recently_done() -> dict[str, Any]:
    try:
        done = json.loads(session.get(DONE, "{}"))
    except (TypeError, ValueError):
        return {}
    return {tag: at for tag, at in done.items() if _is_recent(at)} if isinstance(done, dict) else {}


def _is_recent(noted: Any) -> bool:
    if not isinstance(noted, list) or len(noted) < 2 or not isinstance(noted[0], int | float):
        return False
    return 0 <= time.time() - noted[0] <= REPEATED


def _next_of_repeated(error: OAuthError) -> str | None:
    """Where to go, if this is the callback of a login that was completed just now."""
    if error.error != "state_used":
        return None
    done = _recently_done().get(_tag())
    return safe_next(done[1], default=home()) if done is not None else None


# -- beginning anew ------------------------------------------------------------------------------


def _begin_anew(provider: str, error: OAuthError) -> str | None:
    """Where the login begins anew by itself: once, and not for somebody who is signed in.

    The browser has to bring the note of it along, so that one without cookies is told about
    that, and is not sent around for ever.
    """
    is_lost = error.error in _LOST or error.error == "state_used"
    if not is_lost or request.method != "GET" or _noted() is not None:
        return None
    if read_identity() is not None:
        return None
    mark = generate_token(12)
    session[_AGAIN] = [int(time.time()), provider, mark]
    return path_of("start", provider=provider, next=next_of(error), **{AGAIN: mark})


def is_begun_anew(provider: str) -> bool:
    """Whether this login is one that begins anew, by the browser that was told to."""
    mark, noted = request.args.get(AGAIN), _noted()
    return mark is not None and noted is not None and noted[1:] == [provider, mark]


def _noted() -> list[Any] | None:
    noted = session.get(_AGAIN)
    if not isinstance(noted, list) or len(noted) != 3 or not isinstance(noted[0], int | float):
        return None
    return noted if time.time() - noted[0] <= _AGAIN_LIFETIME else None
