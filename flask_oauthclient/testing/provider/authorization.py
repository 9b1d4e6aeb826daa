"""Authorization requests: reading them, and where their answers may go (RFC 6749 4.1.1)."""

from __future__ import annotations

import dataclasses
import re
import typing as t
from collections.abc import Iterable

from .call import Call
from .call import Params
from .clients import ClientRecord
from .errors import PageRefusal

if t.TYPE_CHECKING:
    from .provider import DevelopmentProvider

#: RFC 7636 4.2: a SHA-256 hash in base64url without padding.
_CHALLENGE = re.compile(r"[A-Za-z0-9\-_]{43}")
_PROMPTS = frozenset({"none", "login", "consent", "select_account"})
RESPONSE_MODES = ("query", "form_post")
ACR_VALUES = ("0", "1", "2")


@dataclasses.dataclass(frozen=True, slots=True)
class ResponseTarget:
    """Where an authorization response goes: a redirect URI that is known to be the client's."""

    client: ClientRecord
    redirect_uri: str
    redirect_uri_given: bool
    response_mode: str
    state: str | None = dataclasses.field(repr=False)


class AuthorizationRefusal(Exception):
    """A refusal that goes back to the client (RFC 6749 4.1.2.1).

    :param target: Where to.
    :param error: The error code.
    :param description: What is wrong.
    """

    def __init__(self, target: ResponseTarget, error: str, description: str) -> None:
        super().__init__(error)
        self.target = target
        self.error = error
        self.description = description


@dataclasses.dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A valid authorization request."""

    target: ResponseTarget
    scopes: tuple[str, ...]
    nonce: str | None = dataclasses.field(repr=False)
    code_challenge: str | None = dataclasses.field(repr=False)
    prompts: frozenset[str]
    max_age: int | None
    login_hint: str | None
    id_token_hint: str | None = dataclasses.field(repr=False)
    acr: str

    @property
    def client(self) -> ClientRecord:
        """The client that asks."""
        return self.target.client


def read_request(call: Call, provider: DevelopmentProvider) -> AuthorizationRequest:
    """Check an authorization request.

    :param call: The request; a POST carries its parameters in the form (OpenID Connect Core
        3.1.2.1).
    :param provider: The provider.
    :returns: The valid request.
    :raises PageRefusal: if there is no trusted redirect URI, so only the person can be told.
    :raises AuthorizationRefusal: if anything else is wrong, for the client.
    """
    params = call.params
    target = _read_target(params, provider)
    _check_parameters(params, target)
    prompts = _read_prompts(params, target)
    return AuthorizationRequest(
        target=target,
        scopes=_read_scopes(params, target, provider.scopes_supported),
        nonce=params.get("nonce"),
        code_challenge=_read_challenge(params, target, provider.require_pkce),
        prompts=prompts,
        max_age=_read_max_age(params, target),
        login_hint=params.get("login_hint"),
        id_token_hint=params.get("id_token_hint"),
        acr=_first_known(params.get("acr_values", "").split(), ACR_VALUES) or "1",
    )


def _read_target(params: Params, provider: DevelopmentProvider) -> ResponseTarget:
    # A repeated client_id or redirect_uri leaves it open which one was meant.
    if params.repeated() in ("client_id", "redirect_uri"):
        raise PageRefusal("A parameter was sent twice", "Send client_id and redirect_uri once.")
    client = provider.clients.get(params.get("client_id", ""))
    if client is None:
        raise PageRefusal(
            "Unknown client",
            "No client with this client_id is registered here. The ready one is called 'demo'.",
        )
    given = params.get("redirect_uri")
    mode = params.get("response_mode", "query")
    return ResponseTarget(
        client=client,
        redirect_uri=_checked_redirect_uri(client, given),
        redirect_uri_given=given is not None,
        response_mode=mode if mode in RESPONSE_MODES else "query",
        state=params.get("state"),
    )


def _checked_redirect_uri(client: ClientRecord, given: str | None) -> str:
    if given is None:
        # RFC 6749 3.1.2.3: only a single registered URI may be left out.
        if len(client.redirect_uris) == 1:
            return client.redirect_uris[0]
        raise PageRefusal("The redirect_uri is missing", "Send the one that was registered.")
    if not client.allows_redirect(given):
        raise PageRefusal(
            "This redirect_uri is not registered",
            "It must be one of the client's redirect_uris, character for character. "
            "The demo clients may use any address on this machine.",
        )
    return given


def _check_parameters(params: Params, target: ResponseTarget) -> None:
    if repeated := params.repeated():
        raise AuthorizationRefusal(
            target, "invalid_request", f"The parameter {repeated!r} was sent twice."
        )
    for name in ("request", "request_uri"):
        if name in params:
            raise AuthorizationRefusal(
                target, f"{name}_not_supported", "Request objects are not offered."
            )
    response_type = params.get("response_type")
    if response_type is None:
        raise AuthorizationRefusal(target, "invalid_request", "The response_type is missing.")
    if response_type != "code":
        raise AuthorizationRefusal(
            target, "unsupported_response_type", "Only the response_type 'code' is offered."
        )
    if params.get("response_mode", "query") not in RESPONSE_MODES:
        raise AuthorizationRefusal(
            target, "invalid_request", f"The response_mode must be one of {RESPONSE_MODES}."
        )


def _read_scopes(
    params: Params, target: ResponseTarget, supported: Iterable[str]
) -> tuple[str, ...]:
    requested = dict.fromkeys(params.get("scope", "").split())
    # OpenID Connect Core 3.1.2.1: scope values that are not understood should be ignored.
    known = tuple(scope for scope in requested if scope in supported)
    if requested and not known:
        raise AuthorizationRefusal(target, "invalid_scope", "No requested scope is offered.")
    return known


def _read_challenge(params: Params, target: ResponseTarget, required: bool) -> str | None:
    challenge = params.get("code_challenge")
    if challenge is None:
        if "code_challenge_method" in params or required or target.client.is_public:
            raise AuthorizationRefusal(target, "invalid_request", "The code_challenge is missing.")
        return None
    # RFC 7636 4.3: without a method it would be plain, which protects against nothing here.
    if params.get("code_challenge_method", "plain") != "S256":
        raise AuthorizationRefusal(
            target, "invalid_request", "The code_challenge_method must be S256."
        )
    if not _CHALLENGE.fullmatch(challenge):
        raise AuthorizationRefusal(target, "invalid_request", "The code_challenge is malformed.")
    return challenge


def _read_prompts(params: Params, target: ResponseTarget) -> frozenset[str]:
    prompts = frozenset(params.get("prompt", "").split()) & _PROMPTS
    # OpenID Connect Core 3.1.2.1: none together with any other value is an error.
    if "none" in prompts and len(prompts) > 1:
        raise AuthorizationRefusal(
            target, "invalid_request", "The prompt 'none' allows no other beside it."
        )
    return prompts


def _read_max_age(params: Params, target: ResponseTarget) -> int | None:
    text = params.get("max_age")
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 10:
        raise AuthorizationRefusal(target, "invalid_request", "The max_age must be a number.")
    return int(text)


def _first_known(requested: Iterable[str], known: Iterable[str]) -> str | None:
    return next((value for value in requested if value in known), None)
