"""An application with the blueprint, its provider and a browser, all in process."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Flask
from flask import jsonify

from flask_oauthclient import OAuth
from flask_oauthclient.flask_client.signed_in import current_identity
from flask_oauthclient.flask_client.step_up import login_required
from flask_oauthclient.testing.browser import Page
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.browser import Visit
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.helpers.outbound import Outbound
from tests.sign_in._site import ISSUER
from tests.sign_in._site import ORIGIN

SECRET_KEY = "the secret key of these tests"


class BlueprintSite:
    """The application at ``https://rp.test``, its routes below ``/auth``.

    :param provider: the provider, for the client ``demo``.
    :param config: more configuration.
    :param more: further clients by name, with keywords of ``register``.
    :param register: further keywords of ``register`` for ``demo``; ``None`` takes one out.
    :param cache: cachelib cache of the registry.
    :param registry: more keywords of the registry.
    :param settings: of the blueprint.
    """

    def __init__(
        self,
        provider: DevelopmentProvider,
        config: dict[str, Any] | None = None,
        more: dict[str, dict[str, Any]] | None = None,
        register: dict[str, Any] | None = None,
        cache: Any = None,
        registry: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        self.provider = provider
        provider.add_client(
            ClientRecord(
                "rp",
                "the client secret of these tests",
                redirect_uris=(f"{ORIGIN}/auth/callback/demo",),
                post_logout_redirect_uris=(f"{ORIGIN}/auth/logout/callback",),
            )
        )
        self.app = Flask("site")
        self.app.config.update(
            {"SECRET_KEY": SECRET_KEY, "SESSION_COOKIE_SECURE": True, **(config or {})}
        )
        self.oauth = OAuth(self.app, cache, **(registry or {}))
        keywords = {
            "client_id": "rp",
            "client_secret": "the client secret of these tests",
            "issuer": provider.issuer,
            "client_kwargs": {"scope": "openid profile email"},
            **(register or {}),
        }
        self.oauth.register("demo", **{k: v for k, v in keywords.items() if v is not None})
        for name, others in (more or {}).items():
            self.oauth.register(name, **others)
        self.outbound = Outbound({ISSUER: provider.adapter()})
        self.oauth.demo.session.mount("https://", self.outbound)
        blueprint = self.oauth.create_blueprint(**settings)
        self.app.register_blueprint(blueprint, url_prefix="/auth")
        self.app.add_url_rule("/", "home", lambda: "the front page")
        self.app.add_url_rule("/who", "who", _who)
        self.app.add_url_rule("/private", "private", login_required(lambda: "the private page"))
        self.browser = ScriptedBrowser({ORIGIN: self.app.wsgi_app, ISSUER: provider.wsgi})

    @property
    def wsgi(self) -> Any:
        """The application, for a server."""
        return self.app.wsgi_app

    def open(self, path: str, **query: Any) -> Page:
        """Visit a page as if its address had been typed in."""
        return self.browser.open(f"{ORIGIN}{path}" + (f"?{urlencode(query)}" if query else ""))

    def sign_in(self, **query: Any) -> Page:
        """Sign in as Alice."""
        url = f"{ORIGIN}/auth/login" + (f"?{urlencode(query)}" if query else "")
        return self.browser.sign_in(url)

    def begin(self, path: str = "/auth/login/demo", persona: str = "alice", **query: Any) -> Visit:
        """Go through a login up to the visit of the callback, and don't make that."""
        url = f"{ORIGIN}{path}" + (f"?{urlencode(query)}" if query else "")
        page = self.browser.sign_in(url, persona, stop_before=f"{ORIGIN}/auth/callback/")
        return page.history[-1]

    def finish(self, visit: Visit) -> Page:
        """Visit the callback, and go where that leads."""
        return self.browser.open(visit.url)

    def session(self) -> dict[str, Any]:
        """What the browser's session cookie holds."""
        interface: Any = self.app.session_interface
        value = next((c.value for c in self.browser.cookies if c.name == "session"), None)
        if not value:
            return {}
        found: dict[str, Any] = interface.get_signing_serializer(self.app).loads(value)
        return found

    def who(self) -> dict[str, Any]:
        """Who the application takes the visitor for."""
        found: dict[str, Any] = self.open("/who").response.json()
        return found


def _who() -> Any:
    if not current_identity:
        return jsonify({})
    identity = current_identity
    return jsonify(
        provider=identity.provider,
        issuer=identity.issuer,
        sub=identity.sub,
        user=identity.user,
        claims=dict(identity.claims),
        scopes=list(identity.scopes),
    )
