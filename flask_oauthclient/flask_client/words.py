"""The language of the pages: the application's choice, else the browser's."""

from __future__ import annotations

import sys
from pathlib import Path

from flask import current_app
from flask import request

from ..sign_in.texts import SOURCE_LANGUAGE
from ..sign_in.texts import Words
from ..sign_in.texts import translator


def words_of_request() -> Words:
    """The words for whoever sent the current request.

    An application can add languages or reword ours: in ``translations/<language>/LC_MESSAGES/
    oauthclient.mo`` beside its templates.
    """
    return translator(_wanted(), Path(current_app.root_path) / "translations")


def _wanted() -> list[str]:
    """What the application has chosen, if it lets Flask-Babel do that; else the browser."""
    babel = sys.modules.get("flask_babel")
    if babel is not None and "babel" in current_app.extensions:
        return [str(babel.get_locale() or SOURCE_LANGUAGE)]
    return [tag for tag, quality in request.accept_languages if quality > 0]
