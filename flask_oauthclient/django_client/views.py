"""The views of signing in and out, over the same steps as the routes of every framework.

They are exempt from Django's own check of forms (CSRF). A callback may be a form that the
provider's page posts, which cannot know our token. And the others change something only if they
come from a page of this project, which ``Sec-Fetch-Site``, ``Origin`` and ``Referer`` tell: that
holds for a page that is open in a second tab while a login in the first one renews the session,
and the token with it, and it holds for forms of the project's own, with a token in them or without.
And they are open to people who are not signed in, also where ``LoginRequiredMiddleware`` asks all
others to be: they would be sent to sign in for ever.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings as project
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import Http404
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from ..sign_in.routes import ROUTES
from ..sign_in.routes import VIEWS
from ..sign_in.settings import SignInSettings
from ..sign_in.signed_in import believe_in_nobody
from .form_post import relay_form_post
from .mounted import SETTINGS
from .mounted import Mount
from .people import is_somebody_else
from .site import DjangoSite
from .site import Refused

_log = logging.getLogger(__name__)

MIDDLEWARE = "flask_oauthclient.django_client.middleware.OAuthClientMiddleware"
#: What a provider says to these holds for every session, so something has to look at each.
_NEED_MIDDLEWARE = ("backchannel_logout", "frontchannel_logout")


def make_view(endpoint: str, settings: SignInSettings) -> Callable[..., HttpResponseBase]:
    """Make the view of a route.

    :param endpoint: name of the route.
    :param settings: what the project says.
    """
    to_check = [settings.check_names]  # once, when all clients have been registered
    methods = ROUTES[endpoint][1]

    @transaction.non_atomic_requests
    @login_not_required
    @csrf_exempt
    @require_http_methods([*methods, "HEAD"] if "GET" in methods else methods)
    def view(request: HttpRequest, **values: str) -> HttpResponseBase:
        if to_check:
            to_check[0]()
            to_check.clear()
        match = request.resolver_match
        site = DjangoSite(request, Mount(match.namespace if match else "", settings))
        if is_somebody_else(site):
            believe_in_nobody(site)
        return site.answered(_answer(endpoint, site, values))

    setattr(view, SETTINGS, settings)
    view.__name__ = view.__qualname__ = endpoint
    return view


def _answer(endpoint: str, site: DjangoSite, values: dict[str, str]) -> Any:
    if endpoint in _NEED_MIDDLEWARE and MIDDLEWARE not in project.MIDDLEWARE:
        _log.error("a provider has ended a session, which goes on: %r is not installed", MIDDLEWARE)
        raise Http404
    if endpoint == "callback":
        relayed = relay_form_post(site.settings.oauth, site.request)
        if relayed is not None:
            return relayed
    try:
        return VIEWS[endpoint](site, **values)
    except Refused as refusal:
        return refusal.response
