"""The provider itself: its settings, and the parts that it is made of."""

from __future__ import annotations

import os
import threading
import time
import typing as t
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterable
from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextlib import contextmanager
from urllib.parse import urlsplit

import flask
from flask.helpers import get_debug_flag

from .adapter import WSGIAdapter
from .call import Call
from .clients import ClientRecord
from .clients import by_id
from .clients import default_clients
from .cookies import CookieNames
from .cookies import read_cookie
from .faults import Faults
from .grants import GrantStore
from .keys import ALGORITHMS
from .keys import KeyRing
from .log import RequestLog
from .log import SecretLedger
from .personas import Persona
from .personas import default_personas
from .server import RunningServer
from .server import serve_wsgi
from .sessions import BrowserSession
from .sessions import Sessions
from .wsgi import Application

if t.TYPE_CHECKING:
    import ssl

    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIEnvironment

DEFAULT_ISSUER = "http://127.0.0.1:5001"


class DevelopmentProvider:
    """An OpenID provider for development and tests, as a WSGI application.

    It signs anybody in as anybody, so it refuses to exist outside of development. It is allowed
    where one of these is true, looked at in this order when it is made:

    1. ``insecure_outside_debug=True`` was given;
    2. ``debug`` was given, and is true: pass ``app.debug or app.testing`` of the embedding app;
    3. inside an application context, that app has ``debug`` or ``testing`` on;
    4. ``FLASK_DEBUG`` is set, or pytest is running.

    :param issuer: The issuer, which may have a path; :meth:`serve` fills it in when it is left out.
    :param clients: The registered clients; by default ``demo`` and ``demo-public``.
    :param personas: The people one can sign in as.
    :param signing_alg: What signs the ID tokens of clients that don't say: ``RS256``, ``ES256`` or
        ``EdDSA``. Keys for all three are published.
    :param keys: A key ring to share with another provider.
    :param debug: Whether the embedding application is in debug or testing mode.
    :param insecure_outside_debug: Run even where that isn't so. Everybody who reaches the provider
        can sign in as anybody.
    :raises RuntimeError: outside of development.
    """

    #: Lifetimes in seconds.
    access_token_lifetime: int = 3600
    refresh_token_lifetime: int = 30 * 24 * 3600
    id_token_lifetime: int = 3600
    authorization_code_lifetime: int = 60
    #: Issue a refresh token without the scope ``offline_access`` too.
    always_refresh_token: bool = True
    #: Replace the refresh token at each use, and end the grant when an old one comes back.
    rotate_refresh_tokens: bool = True
    #: Refuse authorization requests without PKCE from confidential clients too.
    require_pkce: bool = False
    #: Put the claims of the scopes into the ID token, not only into userinfo.
    claims_in_id_token: bool = True
    #: The subject who is signed in, and consents, without any page. For tests and measurements.
    auto_sign_in: str | None = None
    discovery_cache_control: str | None = "public, max-age=3600"
    jwks_cache_control: str | None = "public, max-age=3600"
    scopes_supported: tuple[str, ...] = (
        "openid",
        "profile",
        "email",
        "address",
        "phone",
        "offline_access",
        "api",
    )

    def __init__(
        self,
        issuer: str | None = None,
        clients: Iterable[ClientRecord] | None = None,
        personas: Iterable[Persona] | None = None,
        signing_alg: str = "RS256",
        *,
        keys: KeyRing | None = None,
        debug: bool | None = None,
        insecure_outside_debug: bool = False,
    ) -> None:
        if not (insecure_outside_debug or (_is_development() if debug is None else debug)):
            raise RuntimeError(_REFUSAL)
        if signing_alg not in ALGORITHMS:
            raise ValueError(f"The signing_alg must be one of {ALGORITHMS}.")
        self.insecure_outside_debug = insecure_outside_debug
        self.issuer = DEFAULT_ISSUER if issuer is None else issuer
        self._issuer_given = issuer is not None
        self.clients = by_id(default_clients() if clients is None else tuple(clients))
        self.personas = _by_sub(default_personas() if personas is None else personas)
        self.signing_alg = signing_alg
        self.keys = keys or KeyRing()
        #: Tells the time in seconds since 1970; replace it to let time pass.
        self.clock: Callable[[], float] = time.time
        self.log = RequestLog()
        self.secrets = SecretLedger()
        self.secrets.add(*(client.client_secret for client in self.clients.values()))
        self.faults = Faults(self.keys)
        self.sessions = Sessions()
        self.grants = GrantStore(self._now)
        self.wsgi = Application(self)
        self._servers: list[RunningServer] = []
        self._lock = threading.Lock()
        self._past_connections = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self.wsgi(environ, start_response)

    def __repr__(self) -> str:
        return f"<DevelopmentProvider {self.issuer}>"

    def _now(self) -> float:
        # Looks the clock up each time, as it may be replaced.
        return self.clock()

    @property
    def base_url(self) -> str:
        """What the paths of the endpoints are appended to (OpenID Connect Discovery 4.1)."""
        return self.issuer.removesuffix("/")

    @property
    def issuer_path(self) -> str:
        """The path of the issuer, without a trailing slash."""
        return urlsplit(self.issuer).path.rstrip("/")

    @property
    def connections(self) -> int:
        """How many TCP connections its servers have accepted so far."""
        return self._past_connections + sum(server.connections for server in self._servers)

    def add_client(self, client: ClientRecord) -> None:
        """Register a client, in the place of one with the same id.

        :param client: The client.
        """
        self.clients = {**self.clients, client.client_id: client}
        self.secrets.add(client.client_secret)

    def rotate_keys(self, keep_old: bool = True) -> None:
        """Replace the signing keys.

        :param keep_old: Go on publishing the old ones.
        """
        self.keys.rotate(keep_old)

    def adapter(self) -> WSGIAdapter:
        """Make an adapter by which a ``requests.Session`` calls this provider in process.

        >>> session.mount(provider.issuer, provider.adapter())

        :returns: The adapter.
        """
        return WSGIAdapter(self.wsgi)

    def serve(
        self, port: int | None = None, ssl_context: ssl.SSLContext | None = None
    ) -> AbstractContextManager[RunningServer]:
        """Serve on the loopback interface for the length of a ``with`` block.

        :param port: The port; that of a given issuer, else a free one.
        :param ssl_context: Serve TLS with it.
        :returns: A context manager that gives the server.
        """
        return self._serve(self._port() if port is None else port, ssl_context)

    @contextmanager
    def _serve(self, port: int, ssl_context: ssl.SSLContext | None) -> Generator[RunningServer]:
        with serve_wsgi(self.wsgi, port, ssl_context) as server:
            if not self._issuer_given:
                self.issuer = server.url
            with self._lock:
                self._servers.append(server)
            try:
                yield server
            finally:
                # A fault that streams or waits would hold the server open.
                self.faults.clear()
                with self._lock:
                    self._servers.remove(server)
                    self._past_connections += server.connections

    def _port(self) -> int:
        return (urlsplit(self.issuer).port or 0) if self._issuer_given else 0

    @property
    def cookies(self) -> CookieNames:
        """The names of this provider's cookies."""
        return CookieNames.of(self.issuer)

    def session_of(self, call: Call) -> BrowserSession | None:
        """Find the browser session of a request.

        :param call: The request.
        :returns: The session, if somebody is signed in.
        """
        return self.sessions.find(read_cookie(call, self.cookies.session))


def _is_development() -> bool:
    if flask.has_app_context():
        return flask.current_app.debug or flask.current_app.testing
    # pytest sets this variable for as long as it runs.
    return get_debug_flag() or "PYTEST_VERSION" in os.environ


def _by_sub(personas: Iterable[Persona]) -> Mapping[str, Persona]:
    return {persona.sub: persona for persona in personas}


_REFUSAL = (
    "The development provider signs anybody in as anybody, so it runs in debug or testing mode "
    "only. Set FLASK_DEBUG=1 (or run 'flask run --debug'), or pass debug=app.debug of the app that "
    "embeds it. To run it elsewhere all the same, pass insecure_outside_debug=True."
)
