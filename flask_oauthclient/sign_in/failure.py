"""A login that failed: whether it may go on all the same, and the page that says why."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from .._version import DOCUMENTATION
from ..protocol.error_codes import CODES
from ..protocol.error_codes import REFUSALS
from ..protocol.errors import AuthorizationError
from ..protocol.errors import ConfigurationError
from ..protocol.errors import OAuthError
from ..protocol.errors import TokenRequestError
from .remembered import AGAIN
from .remembered import next_of
from .remembered import next_of_repeated
from .remembered import note_anew
from .remembered import noted_anew
from .signed_in import read_identity

if TYPE_CHECKING:
    from .site import Site

#: What may begin anew. Not a state that another browser has: somebody else sent it here.
_LOST = frozenset({"state_lost", "state_expired"})


def fail(site: Site, provider: str, error: OAuthError) -> Any:
    """Answer a login that did not succeed.

    :param site: the visit.
    :param provider: name of the client.
    :param error: why.
    """
    ahead = next_of_repeated(site, error) or _begin_anew(site, provider, error)
    if ahead is not None:
        return site.redirect(ahead)
    return tell(site, provider, error)


def tell(site: Site, provider: str, error: OAuthError) -> Any:
    """Tell everybody that a login did not succeed: the log, the application, the person.

    :param site: the visit.
    :param provider: name of the client.
    :param error: why.
    """
    _log(site, provider, error)
    site.send("login_failed", name=provider, error=error)
    answer = site.call(site.settings.on_error, error)
    return failure_page(site, provider, error) if answer is None else answer


def _log(site: Site, provider: str, error: OAuthError) -> None:
    """What users do is information; what only the developer can mend is an error."""
    if isinstance(error, ConfigurationError) or error.error == "invalid_client":
        site.logger.error("login at %s failed: %s %s", provider, error, error.detail)
    else:
        site.logger.info("login at %s failed: %s %s", provider, error.error, error.detail)


def failure_page(site: Site, provider: str, error: OAuthError, next_url: str | None = None) -> Any:
    """The page that says why, with a button to try again."""
    code = _code_of(error)
    text = site.words.failure(code)
    is_known = code in CODES or code in REFUSALS
    # The application refuses somebody; it has not failed.
    is_refusal = not is_known and error.http_status == OAuthError.http_status
    return site.page(
        "error.html",
        403 if is_refusal else error.http_status,
        title=text.title,
        # A code of the application's own comes with words of its own.
        message=text.message if is_known else error.description or text.message,
        code=code,
        hint=error.description if site.debug else None,
        docs_url=_docs_url(site, code) if is_known else None,
        retry_url=_where_to_try_again(site, provider, error),
        switching=code == "account_mismatch",
        next=next_url or next_of(site, error),
    )


def _docs_url(site: Site, code: str) -> str | None:
    given = site.settings.docs_url
    base = DOCUMENTATION if given is None else given
    return f"{base}{OAuthError(code).docs}" if base else None


def _where_to_try_again(site: Site, provider: str, error: OAuthError) -> str:
    was_linking = isinstance(error.extra, dict) and bool(error.extra.get("link"))
    return site.at(provider).path_of("link" if was_linking else "start", provider=provider)


def _code_of(error: OAuthError) -> str:
    """The code to show: a code that a provider made up is words of the provider."""
    is_theirs = isinstance(error, AuthorizationError | TokenRequestError)
    if is_theirs and error.error not in CODES and error.error not in REFUSALS:
        return type(error).error
    return error.error


def _begin_anew(site: Site, provider: str, error: OAuthError) -> str | None:
    """Where the login begins anew by itself: once, and not for somebody who is signed in.

    The browser has to bring the note of it along, so that one without cookies is told about
    that, and is not sent around for ever.
    """
    is_lost = error.error in _LOST or error.error == "state_used"
    if not is_lost or site.method != "GET" or noted_anew(site) is not None:
        return None
    if read_identity(site) is not None:
        return None
    mark = note_anew(site, provider)
    again = {"next": next_of(site, error), AGAIN: mark}
    return site.path_of("start", provider=provider, **again)
