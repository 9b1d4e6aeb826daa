"""The way of a request through the provider: guard, route, faults, log."""

from __future__ import annotations

import typing as t
from collections.abc import Callable
from collections.abc import Iterable
from urllib.parse import urlsplit

from . import clients
from . import metadata
from .answer import Answer
from .answer import revalidated
from .answer import send
from .answer_fault import ConnectionDropped
from .assertions import Assertions
from .call import Call
from .call import read_call
from .client_auth import ClientAuthentication
from .errors import PageRefusal
from .errors import Refusal
from .interaction import AuthorizationEndpoint
from .logout import LogoutEndpoint
from .pages import page
from .pages import refusal_page
from .pages import static_file
from .resources import Resources
from .token_management import TokenManagement
from .tokens import TokenEndpoint

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIEnvironment

    from .provider import DevelopmentProvider


class Route(t.NamedTuple):
    """An endpoint: its name, the methods it knows, and the function that answers."""

    name: str
    methods: tuple[str, ...]
    view: Callable[[Call], Answer]


class Application:
    """The provider's WSGI application.

    :param provider: The provider.
    """

    def __init__(self, provider: DevelopmentProvider) -> None:
        self._provider = provider
        authorization = AuthorizationEndpoint(provider)
        logout = LogoutEndpoint(provider)
        resources = Resources(provider)
        assertions = Assertions(provider)
        authentication = ClientAuthentication(provider, assertions)
        management = TokenManagement(provider, authentication)
        get, post, both = ("GET", "HEAD"), ("POST",), ("GET", "HEAD", "POST")
        self._discovery = Route("discovery", get, self._discover)
        self._unknown = Route("unknown", (), _not_found)
        self._routes = {
            "/": Route("home", get, self._home),
            "/jwks": Route("jwks", get, self._jwks),
            "/authorize": Route("authorize", both, authorization.authorize),
            "/token": Route("token", post, TokenEndpoint(provider, authentication, assertions)),
            "/revoke": Route("revocation", post, management.revoke),
            "/introspect": Route("introspection", post, management.introspect),
            "/userinfo": Route("userinfo", both, resources.userinfo),
            "/end_session": Route("end_session", both, logout.end_session),
            "/api/me": Route("api", get, resources.me),
            "/api/notes": Route("api", both, resources.notes),
        }
        self._prefixes = {
            "/interaction/": Route("interaction", both, authorization.interact),
            "/end_session/": Route("end_session", post, logout.confirm),
            "/static/": Route("static", get, _static),
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        provider = self._provider
        if not self._host_is_ours(environ.get("HTTP_HOST", "")):
            return send(_MISDIRECTED, None, start_response)
        try:
            call = read_call(environ, provider.issuer_path)
        except ValueError as error:
            return send(_plain(413, str(error)), None, start_response)
        route = self._find(call)
        try:
            answer = provider.faults.run(route.name, call, lambda: self._answer(route, call))
        except ConnectionDropped:
            provider.log.add(call, route.name, 0)
            raise
        answer = revalidated(answer, call)
        provider.log.add(call, route.name, answer.status)
        return send(answer, call, start_response)

    def _host_is_ours(self, host_header: str) -> bool:
        # A page of the open internet that gets its own name resolved to 127.0.0.1 (DNS rebinding)
        # would otherwise be of the same origin as our pages.
        try:
            host = urlsplit(f"//{host_header}").hostname or ""
        except ValueError:
            return False
        if clients.is_development_host(host):
            return True
        own = urlsplit(self._provider.issuer).hostname
        return self._provider.insecure_outside_debug and host == own

    def _find(self, call: Call) -> Route:
        if call.full_path in metadata.well_known_paths(self._provider.issuer_path):
            return self._discovery
        exact = self._routes.get(call.path)
        if exact is not None:
            return exact
        prefixed = (r for p, r in self._prefixes.items() if call.path.startswith(p))
        return next(prefixed, self._unknown)

    def _answer(self, route: Route, call: Call) -> Answer:
        if route.methods and call.method not in route.methods:
            return _plain(405, "Method not allowed").with_header("Allow", ", ".join(route.methods))
        try:
            return route.view(call)
        except Refusal as refusal:
            return refusal.answer()
        except PageRefusal as refusal:
            return refusal_page(refusal, self._provider.issuer)

    def _discover(self, call: Call) -> Answer:
        return metadata.discovery(self._provider)

    def _jwks(self, call: Call) -> Answer:
        return metadata.jwks(self._provider)

    def _home(self, call: Call) -> Answer:
        provider = self._provider
        return page(
            "home",
            provider.issuer,
            clients=list(provider.clients.values()),
            demo_secret=clients.DEMO_CLIENT_SECRET,
            personas=list(provider.personas.values()),
        )


def _plain(status: int, text: str) -> Answer:
    return Answer(status, (("Content-Type", "text/plain; charset=utf-8"),), f"{text}\n".encode())


def _not_found(call: Call) -> Answer:
    return _plain(404, "The development provider has nothing here.")


def _static(call: Call) -> Answer:
    return static_file(call.path.removeprefix("/static/"))


_MISDIRECTED = _plain(
    421, "The development provider answers to loopback addresses and reserved names only."
)
