"""What "reject" means: one check for every bad input."""

from __future__ import annotations

from collections.abc import Sequence

from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.error_codes import CODES
from flask_oauthclient.protocol.error_codes import REFUSALS
from flask_oauthclient.protocol.errors import MismatchingStateError
from flask_oauthclient.testing.browser import Visit

from .site import Site
from .urls import state_of

#: What faults say in the provider's name; it must not reach a page or a message.
PROVIDER_TEXT = "so says the provider"


def assert_rejected(
    site: Site,
    visit: Visit,
    code: str,
    *,
    sent: Sequence[str] = (),
    kept: bool = False,
) -> OAuthError:
    """Visit a callback that must be rejected, and check everything that this means.

    A typed error with a stable code, the pending login used up, no other change of the session, a
    page of the error's status without the provider's text, and no request but those named.

    :param site: the site.
    :param visit: the visit of the callback.
    :param code: the error's code.
    :param sent: paths of the requests that may leave before the rejection.
    :param kept: whether the pending login stays, because the visit was not about it.
    :returns: the error.
    """
    before, errors, logins = site.session(), len(site.errors), len(site.tokens)
    site.outbound.clear()
    answered = len(site.provider.log)

    response = site.finish(visit)

    assert len(site.tokens) == logins, "the login went through"
    assert len(site.errors) == errors + 1
    error = site.error
    assert_typed(error, code)
    assert response.status_code == error.http_status
    assert 400 <= response.status_code < 600
    assert response.text == code
    assert PROVIDER_TEXT not in f"{error} {error!r} {error.args}"
    assert site.outbound.paths == list(sent)
    assert _asked(site, answered) == [path for path in sent if path.startswith("/")]
    _assert_session(site, before, visit, kept=kept)
    if not kept:
        _assert_used_up(site, visit)
    return error


def assert_typed(error: OAuthError, code: str) -> None:
    """The error is of a subclass, and its code is one that the documentation lists."""
    assert type(error) is not OAuthError
    assert error.error == code
    assert code in CODES or code in REFUSALS
    assert error.description


def _asked(site: Site, since: int) -> list[str]:
    """What the package asked the provider, as the provider saw it; the rest is the browser's."""
    by_browser = ("authorize", "interaction", "end_session", "home", "static")
    return [
        record.path for record in site.provider.log[since:] if record.endpoint not in by_browser
    ]


def _assert_session(site: Site, before: dict[str, object], visit: Visit, *, kept: bool) -> None:
    after = site.session()
    gone = before.keys() - after.keys()
    assert not after.keys() - before.keys()
    assert {k: v for k, v in before.items() if k not in gone} == after
    if kept:
        assert not gone
    else:
        assert all(key.startswith("_state_") and key.endswith(state_of(visit)) for key in gone)


def _assert_used_up(site: Site, visit: Visit) -> None:
    site.outbound.clear()
    response = site.finish(visit)
    assert 400 <= response.status_code < 600
    assert isinstance(site.error, MismatchingStateError)
    assert site.outbound.paths == []
