"""Every option of a registration, declared once.

An option can be a keyword of ``register`` or a value of the application's configuration, under
the client's name and the option's (``GITHUB_CLIENT_ID``). The documentation's table is made from
these declarations.
"""

# ruff: noqa: RUF009  (an option is a field; long lists of names read best as text)
from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import fields
from typing import Any

from ..protocol.unknown import unknown_option
from ..protocol.warn import warn_caller


def _option(doc: str, default: Any = None) -> Any:
    if isinstance(default, dict | list):
        return field(default_factory=default.copy, metadata={"doc": doc})
    return field(default=default, metadata={"doc": doc})


@dataclass(slots=True, repr=False)  # some of them are secrets
class ClientOptions:
    """The settings of one client."""

    client_id: str | None = _option("Identifier that the provider gave to this application.")
    client_secret: Any = _option("Secret that goes with it; leave it out for a public client.")
    issuer: str | None = _option(
        "Issuer URL of an OpenID Connect or OAuth 2 server; its metadata are found from it, and "
        "ID tokens and callbacks must come from it."
    )
    server_metadata_url: str | None = _option(
        "URL of the metadata document, where it is not found from the issuer."
    )
    server_metadata: dict[str, Any] | None = _option(
        "Metadata given in code: anything a metadata document may hold."
    )
    authorize_url: str | None = _option("Authorization endpoint, if it is not discovered.")
    authorize_params: dict[str, Any] | None = _option(
        "Parameters of every authorization request; those of a call win."
    )
    access_token_url: str | None = _option("Token endpoint, if it is not discovered.")
    access_token_params: dict[str, Any] | None = _option("Parameters of every code exchange.")
    refresh_token_url: str | None = _option(
        "Token endpoint for refreshing, if it is another than for the code."
    )
    refresh_token_params: dict[str, Any] | None = _option("Parameters of every refresh.")
    request_token_url: str | None = _option("OAuth 1.0a: temporary credential endpoint.")
    request_token_params: dict[str, Any] | None = _option(
        "OAuth 1.0a: parameters of the request for temporary credentials."
    )
    require_callback_confirmed: bool = _option(
        "OAuth 1.0a: refuse temporary credentials without ``oauth_callback_confirmed``, which a "
        "server that speaks only the flawed OAuth 1.0 does not send.",
        default=False,
    )
    api_base_url: str | None = _option(
        "What relative URLs of API calls are joined to; the token is sent to its origin."
    )
    token_origins: Any = _option("Further origins that may see the token, as a list of URLs.")
    redirect_uri: str | None = _option(
        "Where the provider sends the browser back to, if a call does not say."
    )
    client_kwargs: dict[str, Any] | None = _option(
        "Settings of the session: ``scope``, ``timeout``, ``verify``, ``proxies``, "
        "``code_challenge_method``, ``token_endpoint_auth_method`` and the like."
    )
    token_endpoint_auth_method: Any = _option(
        "How the client authenticates: ``client_secret_basic``, ``client_secret_post``, "
        "``client_secret_jwt``, ``private_key_jwt``, ``none``, or a callable. Default: what the "
        "metadata allow."
    )
    basic_encoding: str = _option(
        "``raw`` for a server that does not decode what ``client_secret_basic`` sends (RFC 6749 "
        "section 2.3.1).",
        default="form",
    )
    client_auth_methods: Any = _option("Further authentication methods, as pairs or objects.")
    compliance_fix: Callable[[Any], Any] | None = _option(
        "Called with the session once, to register compliance hooks."
    )
    user_agent: str | None = _option("``User-Agent`` of every request.")
    fetch_token: Callable[..., Any] | None = _option("Gives the stored token of the user.")
    update_token: Callable[..., Any] | None = _option("Is told of a refreshed token.")
    client_cls: Any = _option("Class of this client; for the rare case of a subclass.")
    id_token_signed_response_alg: str | None = _option(
        "The one algorithm with which ID tokens must be signed. ``HS256`` and its kin work only "
        "when they are named here."
    )
    userinfo_signed_response_alg: str | None = _option(
        "The algorithm with which userinfo responses must be signed."
    )
    trusted_audiences: Any = _option("Further audiences that an ID token may have.")
    id_token_max_age: float | None = _option(
        "Seconds since an ID token was issued at the most; default is a day."
    )
    leeway: float | None = _option("Seconds by which clocks may differ; default is 60.")
    insecure_http: bool = _option(
        "Allow plain http to this provider. Anyone on the way can then read every credential.",
        default=False,
    )


NAMES = tuple(option.name for option in fields(ClientOptions))
_DEFAULTS: Mapping[str, Any] = {option.name: option.default for option in fields(ClientOptions)}

#: Names of server metadata (RFC 8414, OpenID Discovery 1.0 and the RFCs that extend them) that
#: may be given as keywords.
METADATA_NAMES = frozenset(
    [
        "acr_values_supported",
        "authorization_endpoint",
        "authorization_response_iss_parameter_supported",
        "backchannel_logout_session_supported",
        "backchannel_logout_supported",
        "check_session_iframe",
        "claim_types_supported",
        "claims_locales_supported",
        "claims_parameter_supported",
        "claims_supported",
        "code_challenge_methods_supported",
        "device_authorization_endpoint",
        "display_values_supported",
        "dpop_signing_alg_values_supported",
        "end_session_endpoint",
        "frontchannel_logout_session_supported",
        "frontchannel_logout_supported",
        "grant_types_supported",
        "id_token_encryption_alg_values_supported",
        "id_token_encryption_enc_values_supported",
        "id_token_signing_alg_values_supported",
        "introspection_endpoint",
        "introspection_endpoint_auth_methods_supported",
        "jwks",
        "jwks_uri",
        "mtls_endpoint_aliases",
        "op_policy_uri",
        "op_tos_uri",
        "pushed_authorization_request_endpoint",
        "registration_endpoint",
        "request_object_signing_alg_values_supported",
        "request_parameter_supported",
        "request_uri_parameter_supported",
        "require_request_uri_registration",
        "require_pushed_authorization_requests",
        "response_modes_supported",
        "response_types_supported",
        "revocation_endpoint",
        "revocation_endpoint_auth_methods_supported",
        "scopes_supported",
        "service_documentation",
        "subject_types_supported",
        "token_endpoint",
        "token_endpoint_auth_methods_supported",
        "token_endpoint_auth_signing_alg_values_supported",
        "ui_locales_supported",
        "userinfo_encryption_alg_values_supported",
        "userinfo_encryption_enc_values_supported",
        "userinfo_endpoint",
        "userinfo_signing_alg_values_supported",
    ]
)

#: Keywords of older clients that have no meaning any more.
_OLD_NAMES = frozenset(
    {
        "access_token_method",
        "content_type",
        "encoding",
        "fetch_request_token",
        "refresh_token_method",
        "request_token_method",
        "save_request_token",
    }
)

#: Keywords of ``client_kwargs`` that sessions understand: all of them, those on requests, and those
#: on httpx2. What is meant for another library is refused by the session.
_HTTP_KEYWORDS = frozenset(
    [
        *(
            "cert",
            "default_timeout",
            "max_bytes",
            "max_redirects",
            "timeout",
            "trust_env",
            "verify",
        ),
        *("hooks", "proxies", "stream"),
        *("event_hooks", "follow_redirects", "headers", "http1", "http2", "limits", "mounts"),
        *("proxy", "transport"),
    ]
)
#: ... and those that a session of each protocol adds.
OAUTH1_KEYWORDS = _HTTP_KEYWORDS | {
    "force_include_body",
    "realm",
    "rsa_key",
    "signature_method",
    "signature_type",
}
OAUTH2_KEYWORDS = _HTTP_KEYWORDS | {
    "basic_encoding",
    "code_challenge_method",
    "grant_type",
    "leeway",
    "login_hint",
    "nonce",
    "prompt",
    "response_mode",
    "response_type",
    "revocation_endpoint_auth_method",
    "scope",
    "token_endpoint_auth_method",
    "token_placement",
}


def check_keywords(name: str, keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Judge the keywords of a registration.

    :param name: the client's name, for the message.
    :param keywords: what ``register`` was given.
    :returns: the keywords without those of older clients.
    :raises UnknownOptionError: for a keyword that is neither an option nor server metadata.
    """
    if keywords.keys() <= _KNOWN:
        return dict(keywords)
    known: dict[str, Any] = {}
    for keyword, value in keywords.items():
        if keyword in _OLD_NAMES:
            warn_caller(
                f"{keyword!r} of the client {name!r} has no meaning any more; leave it out",
                DeprecationWarning,
            )
        elif keyword in _KNOWN:
            known[keyword] = value
        else:
            raise unknown_option(f"The client {name!r}", keyword, _KNOWN)
    return known


_KNOWN = frozenset(NAMES) | METADATA_NAMES


def check_client_kwargs(
    name: str, client_kwargs: Mapping[str, Any], *, oauth1: bool = False
) -> None:
    """Judge the keywords that go to the session.

    :param name: the client's name, for the message.
    :param client_kwargs: the keywords.
    :param oauth1: whether the session speaks OAuth 1.0a; others take server metadata too.
    :raises UnknownOptionError: for one that it does not understand.
    """
    known, more = (OAUTH1_KEYWORDS, set()) if oauth1 else (OAUTH2_KEYWORDS, METADATA_NAMES)
    for keyword in client_kwargs.keys() - known - more:
        raise unknown_option(f"client_kwargs of {name!r}", keyword, known)


_SUFFIXES = tuple((option.upper(), option) for option in sorted(_KNOWN))


def from_config(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Read what an application's configuration says about a client.

    :param name: the client's name.
    :param config: the configuration, with keys such as ``GITHUB_CLIENT_ID``.
    """
    prefix = name.upper() + "_"
    return {
        option: config[prefix + suffix] for suffix, option in _SUFFIXES if prefix + suffix in config
    }


def merge(keywords: Mapping[str, Any], configured: Mapping[str, Any], *, overwrite: bool) -> Any:
    """Combine registration and configuration; code wins unless ``overwrite`` says otherwise.

    :returns: options and metadata by name. Neither argument is changed.
    """
    if not overwrite:
        return {**configured, **keywords}
    merged = dict(keywords)
    for name, value in configured.items():
        # A secret may be a dict too, a JWK: half of one and half of another make no key.
        together = name != "client_secret" and isinstance(merged.get(name), dict)
        if together and isinstance(value, dict):
            merged[name] = {**merged[name], **value}
        elif value:
            merged[name] = value
    return merged


def split(settings: Mapping[str, Any]) -> tuple[ClientOptions, dict[str, Any]]:
    """Separate options from server metadata."""
    options = ClientOptions(**{k: v for k, v in settings.items() if k in _DEFAULTS})
    metadata = dict(options.server_metadata or {})
    metadata |= {k: v for k, v in settings.items() if k in METADATA_NAMES}
    if options.issuer:
        metadata["issuer"] = options.issuer
    return options, metadata
