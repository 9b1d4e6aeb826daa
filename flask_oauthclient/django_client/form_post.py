"""Callbacks that are posted across sites: the browser is asked to come once more, with cookies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest
from django.http import HttpResponse

from ..sign_in.form_post import is_small_foreign_form
from ..sign_in.form_post import where_to_get

if TYPE_CHECKING:
    from .registry import OAuth


def relay_form_post(oauth: OAuth, request: HttpRequest) -> HttpResponse | None:
    """Answer a callback that has come without its cookies, as ``response_mode=form_post`` does.

    The views of :meth:`OAuth.urls` do that. A view of an application's own, exempt from Django's
    CSRF check, begins with it::

        @csrf_exempt
        def callback(request):
            answer = relay_form_post(oauth, request)
            if answer is not None:
                return answer
            token = oauth.example.authorize_access_token(request)

    :param oauth: the registry.
    :param request: the request.
    :returns: a redirect to the same view with GET; ``None`` for everything else, which is left to
        the view.
    """
    host, state = request.get_host(), oauth.current_state()
    if not is_small_foreign_form(request.method or "", request.headers, host):
        return None
    login_state = request.POST.get("state", "")
    if state.sealer is None or not state.logins.made_here(oauth.names(), host, str(login_state)):
        return None
    form = [(name, str(value)) for name, values in request.POST.lists() for value in values]
    query = request.META.get("QUERY_STRING", "")
    ahead = where_to_get(state.sealer, request.path_info, query, form)
    return None if ahead is None else HttpResponse(status=303, headers={"Location": ahead})
