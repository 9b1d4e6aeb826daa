"""``{% load oauthclient %}``: the strings of the pages, in the language of whoever reads them."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import Context

register = template.Library()


@register.simple_tag(takes_context=True)
def text(context: Context, message: str, **values: Any) -> str:
    """Translate a string of the pages; the template escapes what comes out.

    :param context: of the template, which has the ``words``.
    :param message: the English string.
    :param values: what stands for the ``%(name)s`` in it.
    """
    translated: str = context["words"].gettext(message, **values)
    return translated
