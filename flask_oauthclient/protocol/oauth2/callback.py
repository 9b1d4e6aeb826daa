"""What the browser brings to the redirect URI (RFC 6749 section 4.1.2, RFC 9207)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field

from ..error_codes import REFUSALS
from ..error_codes import clean_code
from ..error_codes import clean_text
from ..errors import AuthorizationError
from ..errors import CallbackError
from ..errors import MissingCodeError

#: The parameters of a callback that are looked at.
PARAMETERS = ("state", "code", "iss", "error", "error_description", "error_uri", "response")


@dataclass(frozen=True, slots=True)
class AuthorizationResponse:
    """The parameters that count; everything else in a callback is ignored.

    Front-channel tokens are not among them: in the code flow they were not asked for, and who
    uses them is open to token injection (RFC 9700 section 4.6).
    """

    state: str | None = None
    code: str | None = field(default=None, repr=False)
    iss: str | None = None
    error: str | None = None
    error_description: str | None = None
    error_uri: str | None = None
    response: str | None = field(default=None, repr=False)
    #: Names that came more than once, which RFC 6749 section 3.1 forbids.
    repeated: frozenset[str] = frozenset()


def parse_callback(pairs: Iterable[tuple[str, str]]) -> AuthorizationResponse:
    """Collect the parameters of a callback, without judging them yet.

    :param pairs: name and value of every query or form parameter, in order.
    """
    found: dict[str, str] = {}
    repeated: set[str] = set()
    for name, value in pairs:
        if name not in PARAMETERS:
            continue
        if name in found:
            repeated.add(name)
        found.setdefault(name, value)
    return AuthorizationResponse(**found, repeated=frozenset(repeated))


def check_callback(
    response: AuthorizationResponse, *, issuer: str | None, iss_required: bool
) -> str:
    """Judge a callback whose state has been accepted.

    :param response: the parameters.
    :param issuer: issuer of the authorization server, if it is known.
    :param iss_required: whether the server announces the ``iss`` parameter.
    :returns: the authorization code.
    :raises CallbackError: if it is malformed or comes from another issuer.
    :raises AuthorizationError: if it reports an error.
    :raises MissingCodeError: if there is neither code nor error.
    """
    check_no_repetition(response)
    check_plain_response(response)
    check_iss(response, issuer=issuer, required=iss_required)
    check_no_authorization_error(response)
    return check_code(response)


def check_no_repetition(response: AuthorizationResponse) -> None:
    """Parameters MUST NOT be included more than once (RFC 6749 section 3.1)."""
    if response.repeated:
        names = ", ".join(sorted(response.repeated))
        raise CallbackError(
            "invalid_callback", f"The callback repeats parameters ({names}). Start again."
        )


def check_plain_response(response: AuthorizationResponse) -> None:
    """A ``response`` parameter is a JARM answer, and none was asked for."""
    if response.response is not None:
        raise CallbackError("wrong_response_mode")


def check_iss(response: AuthorizationResponse, *, issuer: str | None, required: bool) -> None:
    """Compare ``iss`` as simple strings (RFC 9207 section 2.4), before anything is acted on."""
    if response.iss is None:
        if required:
            raise CallbackError("missing_iss")
        return
    if issuer is not None and response.iss != issuer:
        raise CallbackError(
            "mismatching_iss", detail={"expected": issuer, "received": clean_text(response.iss)}
        )


def check_no_authorization_error(response: AuthorizationResponse) -> None:
    """An error counts, even beside a code (RFC 6749 section 4.1.2.1)."""
    if response.error is None:
        return
    code = clean_code(response.error, "authorization_error")
    raise AuthorizationError(
        code,
        REFUSALS.get(code, "The provider did not grant the login."),
        detail={
            "error_description": clean_text(response.error_description),
            "error_uri": clean_text(response.error_uri),
        },
        http_status=400,  # whatever the code means when it is one of ours
    )


def check_code(response: AuthorizationResponse) -> str:
    """``code`` is REQUIRED (RFC 6749 section 4.1.2)."""
    if not response.code:
        raise MissingCodeError
    return response.code
