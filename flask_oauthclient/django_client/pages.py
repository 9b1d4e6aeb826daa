"""The pages: their templates, their language, their stylesheet."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest
from django.http import HttpResponse
from django.template import TemplateDoesNotExist
from django.template.backends.django import DjangoTemplates
from django.template.loader import get_template
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views.decorators.http import condition
from django.views.decorators.http import require_safe

from ..sign_in.pages import STATIC
from ..sign_in.pages import STYLESHEET
from ..sign_in.texts import Words
from ..sign_in.texts import translator

_TEMPLATES = Path(__file__).parent / "templates"


def render(request: HttpRequest, template: str, context: Mapping[str, Any]) -> str:
    """Render a page.

    :param request: the request that it answers.
    :param template: its name, below ``oauthclient/``.
    :param context: what the template shows.
    """
    name = f"oauthclient/{template}"
    try:
        found = get_template(name)
    except TemplateDoesNotExist:
        # A project may render with something else, and look for nothing in applications.
        found = _our_engine().get_template(name)
    return found.render(dict(context), request)


@cache
def _our_engine() -> DjangoTemplates:
    tags = f"{__package__}.templatetags.oauthclient"
    return DjangoTemplates(
        {
            "NAME": "oauthclient",
            "DIRS": [_TEMPLATES],
            "APP_DIRS": False,
            "OPTIONS": {"libraries": {"oauthclient": tags}},
        }
    )


def words_of(request: HttpRequest) -> Words:
    """The words in the language that Django has chosen, else in the one of the browser.

    A project can add languages or reword ours: in ``<language>/LC_MESSAGES/oauthclient.mo`` in one
    of its ``LOCALE_PATHS``, of which the first one wins, as for Django's own words.

    :param request: the request.
    """
    active = translation.get_language()
    if active:  # nothing is, after a deactivate_all()
        wanted = [active]
    else:
        accepted = parse_accept_lang_header(request.headers.get("Accept-Language", "").lower())
        wanted = [tag for tag, quality in accepted if quality > 0]
    return translator(wanted, *map(Path, reversed(settings.LOCALE_PATHS)))


@cache
def _stylesheet() -> tuple[bytes, str]:
    content = (STATIC / STYLESHEET).read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:20]}"'


@login_not_required
@require_safe
@condition(etag_func=lambda request: _stylesheet()[1])
def stylesheet(request: HttpRequest) -> HttpResponse:
    """The stylesheet, also where nobody collects the static files of applications."""
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(_stylesheet()[0], "text/css; charset=utf-8", headers=headers)
