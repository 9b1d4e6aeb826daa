"""A client's settings, ready to be used: read once, checked, and complete with defaults."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from ..protocol import jose
from ..protocol.errors import ConfigurationError
from ..protocol.errors import InsecureTransportError
from ..protocol.errors import InvalidSettingError
from ..protocol.oauth2.metadata import check_issuer_url
from ..protocol.oauth2.metadata import issuer_of
from ..protocol.oauth2.pkce import check_code_challenge_method
from ..protocol.urls import origin
from . import options
from .options import ClientOptions

_log = logging.getLogger(__name__)

_PLACEHOLDER = re.compile(
    r"(change[-_ ]?me|(your|my|the|insert)[-_ ]?(client[-_ ]?)?(id|secret)([-_ ]?here)?"
    r"|x{3,}|\.{3}|<.*>|todo|secret|placeholder)",
    re.IGNORECASE,
)
_MIN_HMAC_BYTES = 32


def read_settings(
    name: str, keywords: Mapping[str, Any], configured: Mapping[str, Any], *, overwrite: bool
) -> tuple[ClientOptions, dict[str, Any]]:
    """Combine a registration with the configuration and check the result.

    :param name: the client's name.
    :param keywords: what ``register`` was given.
    :param configured: options that the application's configuration sets.
    :param overwrite: whether the configuration wins.
    :returns: options, and what is known of the server's metadata.
    :raises ConfigurationError: if they cannot work.
    """
    chosen, metadata = checked_settings(name, keywords, configured, overwrite=overwrite)
    warn_of_doubtful_options(name, chosen)
    return chosen, metadata


def checked_settings(
    name: str, keywords: Mapping[str, Any], configured: Mapping[str, Any], *, overwrite: bool
) -> tuple[ClientOptions, dict[str, Any]]:
    """The same, and nothing is said to the log."""
    chosen, metadata = options.split(options.merge(keywords, configured, overwrite=overwrite))
    read_text(name, chosen)
    check_options(name, chosen)
    return chosen, metadata


def read_text(name: str, chosen: ClientOptions) -> None:
    """Read numbers and switches that a configuration file or an environment gives as text.

    :raises ConfigurationError: if they cannot be read.
    """
    for option in ("client_id", "client_secret"):
        value = getattr(chosen, option)
        # Flask reads the environment as JSON, and what is all digits becomes a number.
        if isinstance(value, bool | float):
            raise _unusable(name, option, "was read as a number; quote it: '\"12e3\"'")
        if isinstance(value, int):
            setattr(chosen, option, str(value))
    for option in ("leeway", "id_token_max_age"):
        value = getattr(chosen, option)
        if value is None:
            continue
        try:
            setattr(chosen, option, float(value))
        except (TypeError, ValueError):
            raise _unusable(name, option, "is not a number of seconds") from None
    for option in ("insecure_http", "require_callback_confirmed"):
        text = str(getattr(chosen, option)).strip().lower()
        if text not in ("true", "false", "1", "0", "none"):
            raise _unusable(name, option, "is neither true nor false")
        setattr(chosen, option, text in ("true", "1"))


def check_options(name: str, chosen: ClientOptions) -> None:
    """Refuse settings that cannot work, when the client is made and not in the first login.

    :raises ConfigurationError: naming the setting and the client.
    """
    if chosen.client_id == "":
        raise _unusable(name, "client_id", "is empty")
    if chosen.issuer is not None:
        check_issuer_url(chosen.issuer)
    client_kwargs = chosen.client_kwargs or {}
    options.check_client_kwargs(name, client_kwargs, oauth1=_speaks_oauth1(chosen))
    check_code_challenge_method(client_kwargs.get("code_challenge_method"))
    alg = chosen.id_token_signed_response_alg
    if alg is not None and not (isinstance(alg, str) and alg in jose.ALGORITHMS):
        raise _unusable(name, "id_token_signed_response_alg", "is not an algorithm known here")
    for url in [chosen.api_base_url, *(chosen.token_origins or ())]:
        _check_origin(name, url)


def _speaks_oauth1(chosen: ClientOptions) -> bool:
    # A class of one protocol needs no endpoints to be one, if the user has a token already.
    version = getattr(chosen.client_cls, "oauth_version", None)
    return bool(chosen.request_token_url) if version is None else version == 1


def _check_origin(name: str, url: str | None) -> None:
    if url is None:
        return
    try:
        origin(url)
    except InsecureTransportError:
        raise _unusable(name, "api_base_url or token_origins", "is not an http(s) URL") from None


def warn_of_doubtful_options(name: str, chosen: ClientOptions) -> None:
    """Say once what is allowed but is hardly meant so."""
    secret = chosen.client_secret
    if isinstance(secret, str) and _PLACEHOLDER.fullmatch(secret.strip()):
        _log.warning("client %r: client_secret looks like a placeholder", name)
    short = isinstance(secret, str) and len(secret.encode()) < _MIN_HMAC_BYTES
    if short and chosen.id_token_signed_response_alg in jose.SYMMETRIC:
        _log.warning(
            "client %r: client_secret is shorter than %d bytes, too short to verify %s",
            name,
            _MIN_HMAC_BYTES,
            chosen.id_token_signed_response_alg,
        )
    if chosen.insecure_http:
        _log.warning(
            "client %r: insecure_http lets credentials travel in the clear (RFC 6749 section 3.2)",
            name,
        )
    if is_without_pkce(chosen):
        _log.warning("client %r: PKCE is switched off (RFC 9700 section 2.1.1)", name)


def is_without_pkce(chosen: ClientOptions) -> bool:
    """Whether PKCE is switched off, which nobody does by accident."""
    client_kwargs = chosen.client_kwargs or {}
    return not client_kwargs.get("code_challenge_method", "S256")


def known_issuer(chosen: ClientOptions, metadata: Mapping[str, Any]) -> str | None:
    """The issuer that follows from the settings alone, before anything is discovered."""
    stated = metadata.get("issuer")
    if isinstance(stated, str):
        return stated
    return issuer_of(chosen.server_metadata_url) if chosen.server_metadata_url else None


def _unusable(name: str, option: str, why: str) -> ConfigurationError:
    return InvalidSettingError(
        "invalid_configuration", f"{option} of the client {name!r} {why}.", detail={"client": name}
    )
