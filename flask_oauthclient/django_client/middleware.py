"""What can be done only where every request comes by. A project may do without it.

It stands right below ``AuthenticationMiddleware``; without that, below ``SessionMiddleware``.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from ..protocol.errors import LoginRequired
from ..sign_in import step_up
from ..sign_in.signed_in import KEY
from ..sign_in.signed_in import read_kept
from .cookies import apply_cookies
from .mounted import mounts
from .site import DjangoSite


class OAuthClientMiddleware(MiddlewareMixin):
    """Lets a provider end sessions, and views ask for a sign-in by what they raise.

    A session that a provider has ended (back-channel and front-channel logout) ends before any
    view believes in it. A view that lets a :class:`LoginRequired` pass, as API calls raise it when
    there is no token of the person, sends them to sign in and back. And where the view of a
    project's own completes a login, the cookie of that login is removed at once.
    """

    def process_request(self, request: HttpRequest) -> None:
        """End what the provider has ended."""
        # Who has no session has nothing to be ended.
        if KEY not in request.session or not mounts():
            return
        if read_kept(DjangoSite(request)) is None and KEY in request.session:
            _hide_user(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """Send somebody to sign in whose token a view has not found."""
        if not isinstance(exception, LoginRequired) or not mounts():
            return None
        answer: HttpResponseBase = step_up.sign_in_again(DjangoSite(request), exception)
        return answer

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Set the cookies that were noted."""
        return apply_cookies(request, response)


def _hide_user(request: HttpRequest) -> None:
    """Show nobody as logged in: for now, while the cache is down, nobody can be believed."""
    if not hasattr(request, "user"):
        return
    from django.contrib.auth.models import AnonymousUser

    nobody = AnonymousUser()

    async def auser() -> AnonymousUser:
        return nobody

    request.user, request.auser = nobody, auser
