"""A small app that signs people in with OpenID Connect and calls an API for them.

``python -m example_app`` starts it together with a development provider. To sign in at another
provider, set ``EXAMPLE_ISSUER``, ``DEMO_CLIENT_ID`` and ``DEMO_CLIENT_SECRET`` first.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from cachelib import SimpleCache
from flask import Flask

from flask_oauthclient import MemoryTokenStore
from flask_oauthclient import token_update

from . import config
from . import errors
from . import guard
from . import pages
from . import times
from .login import note_refresh
from .login import oauth
from .login import sign_in_routes


def create_app(settings: Mapping[str, Any] | None = None) -> Flask:
    """Make the app.

    :param settings: Flask settings; where there is no ``DEMO_ISSUER`` among them, the environment
        is asked for one.
    :raises SettingsError: if no issuer is named anywhere.
    """
    app = Flask(__name__)
    app.config.update(config.defaults())
    app.config.update(settings or {})
    if not app.config.get("DEMO_ISSUER"):
        app.config.update(config.from_environment(os.environ))
    if not app.config.get("DEMO_ISSUER"):
        raise config.SettingsError(
            f"No provider. Set {config.ISSUER}, or run python -m example_app, which brings one."
        )
    # Both are for one process that forgets all when it ends. A real app has Redis for the one,
    # its database for the other, and what follows stays as it is.
    oauth.init_app(app, cache=SimpleCache(), token_store=MemoryTokenStore())
    token_update.connect(note_refresh, app)
    guard.init_app(app)
    errors.init_app(app)
    app.register_blueprint(sign_in_routes(config.provider_label(app.config)), url_prefix="/auth")
    app.register_blueprint(pages.blueprint)
    app.jinja_env.filters.update(moment=times.moment, span=times.span, ago=times.ago)
    return app
