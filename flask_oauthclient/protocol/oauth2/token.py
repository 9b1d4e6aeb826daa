"""The token and the token response (RFC 6749 sections 5.1, 5.2)."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Collection
from collections.abc import Mapping
from typing import Any

from ..error_codes import REFUSALS
from ..error_codes import clean_code
from ..error_codes import clean_text
from ..errors import MissingAccessTokenError
from ..errors import ProviderResponseError
from ..errors import TokenRequestError
from ..errors import TransportError
from ..errors import UnsupportedTokenTypeError
from ..masked import MaskedDict
from ..messages import Response
from ..urls import form_params

#: The longest lifetime that is believed, in seconds (ten years): more is a mistake, and must not
#: turn into "valid for ever" by an overflow.
MAX_LIFETIME = 315_360_000
#: Seconds by which a token outlives its lifetime if the clock was set back, and not adjusted.
_CLOCK_SET_BACK = 60


class OAuth2Token(MaskedDict):
    """A token response with an absolute ``expires_at``; its ``repr`` shows no secret.

    :param params: the fields of the response. They are copied.
    :param now: seconds since the epoch at which ``expires_in`` began; default is this moment.
    """

    shown = frozenset({"token_type", "expires_in", "expires_at", "scope"})

    def __init__(self, params: Mapping[str, Any], now: float | None = None) -> None:
        super().__init__(params)
        given = _moment(self.get("expires_at"))
        lifetime = seconds(self.get("expires_in"))
        if given is not None:
            self["expires_at"] = given
        elif lifetime is not None and self["expires_in"]:
            begin = time.time() if now is None else now
            self["expires_at"] = int(begin) + min(lifetime, MAX_LIFETIME)

    def is_expired(self, leeway: float = 60) -> bool | None:
        """Whether the access token has expired, or will within ``leeway`` seconds.

        :returns: ``None`` when its lifetime is not known.
        """
        expires_at = _moment(self.get("expires_at"))
        return None if expires_at is None else expires_at - leeway < time.time()

    def is_due(self, leeway: float = 60) -> bool:
        """Whether it is time to get another token.

        That is a while before the access token expires, a little more or less for each token: many
        that were issued together are not replaced together. In the first half of its life it is
        not. And one that would live longer now than it was given was issued before the clock was
        set back: nobody knows how long it is good for.

        :param leeway: seconds before its expiry, give or take a tenth.
        """
        expires_at = _moment(self.get("expires_at"))
        if expires_at is None:
            return False
        if self.is_of_another_clock() and self.get("refresh_token"):
            return True
        left = expires_at - time.time()
        lifetime = seconds(self.get("expires_in"))
        if lifetime:
            leeway = min(leeway, lifetime / 2)
        if left > leeway * 1.1:
            return False
        return left < leeway * (0.9 + 0.2 * self._share())

    def is_of_another_clock(self) -> bool:
        """Whether it would live longer now than it was given.

        The clock was set back meanwhile, or it is that of a machine behind the one that asked.
        """
        expires_at, lifetime = _moment(self.get("expires_at")), seconds(self.get("expires_in"))
        if expires_at is None or not lifetime:
            return False
        return expires_at - time.time() > lifetime + _CLOCK_SET_BACK

    def _share(self) -> float:
        """A number from 0 to 1, the same for one token in all processes."""
        name = str(self.get("access_token")).encode("utf-8", "surrogatepass")
        return zlib.crc32(name) / 0xFFFFFFFF

    def merged_over(self, old: Mapping[str, Any] | None) -> OAuth2Token:
        """This refresh response on top of the token it replaces.

        What the response leaves out stays as it was: the refresh token (RFC 6749 section 6), the
        scope, the ID token. The old lifetime does not stay.
        """
        kept = {k: v for k, v in (old or {}).items() if k not in ("expires_at", "expires_in")}
        fresh = {k: v for k, v in self.items() if v not in (None, "")}
        if not _is_refresh_token(fresh.get("refresh_token")):
            fresh.pop("refresh_token", None)
        return OAuth2Token({**kept, **fresh})


def _is_refresh_token(value: object) -> bool:
    """Whether a server may mean this as a refresh token; some write numbers."""
    return bool(value) and isinstance(value, str | int) and value is not True


def seconds(value: object) -> int | None:
    """Read a number of seconds as servers write them: 3600, 3600.5, "3600".

    :returns: ``None`` for everything else, negative and infinite values included.
    """
    number = _moment(value)
    return None if number is None or number < 0 else number


def _moment(value: object) -> int | None:
    """Read a point in time; one before the epoch is long past, not unknown."""
    if type(value) is int and -1e11 < value < 1e11:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return int(max(min(number, 1e11), -1e11)) if math.isfinite(number) else None


def parse_token_response(
    response: Response,
    *,
    now: float | None = None,
    token_types: frozenset[str] = frozenset({"bearer"}),
    secrets: Collection[str] = (),
) -> OAuth2Token:
    """Read the answer of a token endpoint.

    :param response: the answer, whatever its status.
    :param now: when it arrived, in seconds since the epoch.
    :param token_types: the types that the caller can present, in lower case.
    :param secrets: what must not be seen in an error, if the server quotes it.
    :raises TokenRequestError: for an OAuth error, with whatever status it came.
    :raises TransportError: if the server is out of order (status 5xx).
    :raises ProviderResponseError: if it is no token response.
    :raises UnsupportedTokenTypeError: for a type that nobody asked for (section 7.1).
    """
    if response.status >= 500:
        raise TransportError("provider_unavailable", detail={"status": response.status})
    params = read_token_body(response)
    check_no_error(params, response.status, secrets)
    check_access_token(params, response.status)
    check_token_type(params, token_types, secrets)
    if seconds(params.get("expires_in")):
        # Section 5.1 knows a lifetime only. Beside it stands a moment of the server's clock, in
        # whatever unit: too early or too late, the token would be replaced for every call.
        params.pop("expires_at", None)
    return OAuth2Token(params, now)


def read_token_body(response: Response) -> dict[str, Any]:
    """Read a JSON answer, or a form-encoded one that says so in its content type."""
    # RFC 6749 5.2: 401 with WWW-Authenticate means invalid_client, unless the body says more.
    refused = response.status == 401 and "www-authenticate" in response.headers
    try:
        params = _read_params(response)
    except ProviderResponseError:
        if not refused:
            raise
        params = {}
    return MaskedDict({"error": "invalid_client", **params} if refused else params)


def _read_params(response: Response) -> dict[str, Any]:
    if response.content_type == "application/x-www-form-urlencoded":
        return _read_form(response)
    if "html" in response.content_type:
        raise ProviderResponseError(
            "invalid_response",
            f"The token endpoint answered with a web page (HTTP {response.status}). Check its URL.",
            detail={"status": response.status},
        )
    return response.json_object("token response")


def _read_form(response: Response) -> dict[str, Any]:
    # The same strictness as for JSON: every name once, and an empty error is an error.
    try:
        params = form_params(response.body.decode("utf-8"))
    except ValueError:
        params = None
    if not params:
        raise ProviderResponseError(
            "invalid_response",
            f"The token response is not a well-formed form (HTTP {response.status}).",
            detail={"status": response.status, "content_type": response.content_type},
        )
    return params


def check_no_error(params: Mapping[str, Any], status: int, secrets: Collection[str] = ()) -> None:
    """An ``error`` member is an error, with status 200 too."""
    if "error" not in params:
        return
    code = clean_code(params["error"], "invalid_response", secrets=secrets)
    raise TokenRequestError(
        code,
        REFUSALS.get(code, "The provider refused the token request."),
        detail={
            "status": status,
            "error_description": clean_text(params.get("error_description"), secrets=secrets),
            "error_uri": clean_text(params.get("error_uri"), secrets=secrets),
        },
        http_status=400 if code == "invalid_grant" else 502,
    )


def check_access_token(params: Mapping[str, Any], status: int) -> None:
    """``access_token`` is REQUIRED in a successful answer (RFC 6749 section 5.1).

    It is made of printable ASCII characters (appendix A.12): it will stand in a header.
    """
    if not 200 <= status < 300:
        raise ProviderResponseError(
            "invalid_response",
            f"The token endpoint answered HTTP {status} without naming an error.",
            detail={"status": status},
        )
    if not is_token(params.get("access_token")):
        raise MissingAccessTokenError(detail={"status": status})


def is_token(value: object) -> bool:
    """Whether this can be an access token: printable ASCII (RFC 6749 appendix A.12)."""
    return isinstance(value, str) and value.isascii() and value.isprintable() and value != ""


def check_token_type(
    params: Mapping[str, Any], token_types: frozenset[str], secrets: Collection[str] = ()
) -> None:
    """The type is compared without case; an absent one means Bearer, as servers use it."""
    token_type = params.get("token_type") or "bearer"
    if not isinstance(token_type, str) or token_type.lower() not in token_types:
        shown = clean_text(token_type, secrets=secrets)
        raise UnsupportedTokenTypeError(detail={"token_type": shown})
