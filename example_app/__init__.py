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

from . import config
from . import errors
from . import guard
from . import pages
from . import times
from .login import oauth
from .login import sign_in_routes
from .store import SignInStore


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
    app.extensions["example_app.sign_ins"] = SignInStore()
    # With a cache, what a pending login must remember stays on the server as well.
    oauth.init_app(app, cache=SimpleCache())
    guard.init_app(app)
    errors.init_app(app)
    app.register_blueprint(sign_in_routes(config.provider_label(app.config)), url_prefix="/auth")
    app.register_blueprint(pages.blueprint)
    app.jinja_env.filters.update(
        moment=times.moment, clock=times.clock, span=times.span, ago=times.ago
    )
    return app
