"""What the browser brings back from the authorization (RFC 5849 section 2.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field

from ..error_codes import REFUSALS
from ..error_codes import clean_code
from ..error_codes import clean_text
from ..errors import AuthorizationError
from ..errors import CallbackError

#: The parameters of a callback that are looked at.
PARAMETERS = (
    "oauth_token",
    "oauth_verifier",
    "denied",
    "oauth_problem",
    "oauth_problem_advice",
    "error",
    "error_description",
)

#: How servers say that the user, or somebody in the user's name, said no.
_DENIALS = frozenset({"user_refused", "permission_denied", "access_denied"})


@dataclass(frozen=True, slots=True)
class AuthorizationResponse:
    """The parameters that count; everything else in a callback is ignored."""

    oauth_token: str | None = field(default=None, repr=False)
    oauth_verifier: str | None = field(default=None, repr=False)
    #: The request token in a callback that reports a refusal without ``oauth_token`` (Twitter).
    denied: str | None = field(default=None, repr=False)
    #: ``oauth_problem`` or ``error``.
    problem: str | None = None
    #: What the server adds to a problem.
    advice: str | None = None
    #: Names that came more than once.
    repeated: frozenset[str] = frozenset()

    @property
    def request_token(self) -> str | None:
        """The request token that the callback is about, in whichever parameter it stands."""
        return self.oauth_token or self.denied or None


def parse_callback(pairs: Iterable[tuple[str, str]]) -> AuthorizationResponse:
    """Collect the parameters of a callback, without judging them yet.

    :param pairs: name and value of every query parameter, in order.
    """
    found: dict[str, str] = {}
    repeated: set[str] = set()
    for name, value in pairs:
        if name not in PARAMETERS:
            continue
        if name in found:
            repeated.add(name)
        found.setdefault(name, value)
    return AuthorizationResponse(
        oauth_token=found.get("oauth_token"),
        oauth_verifier=found.get("oauth_verifier"),
        denied=found.get("denied"),
        problem=found.get("oauth_problem", found.get("error")),
        advice=found.get("oauth_problem_advice", found.get("error_description")),
        repeated=frozenset(repeated),
    )


def check_callback(response: AuthorizationResponse) -> None:
    """Judge a callback; whose login it completes, and the verifier, are judged later.

    :raises CallbackError: if parameters are repeated.
    :raises AuthorizationError: if the server reports a refusal.
    """
    check_no_repetition(response)
    check_not_refused(response)


def check_no_repetition(response: AuthorizationResponse) -> None:
    """Protocol parameters MUST NOT appear more than once (RFC 5849 section 3.1)."""
    if response.repeated:
        names = ", ".join(sorted(response.repeated))
        raise CallbackError(
            "invalid_callback", f"The callback repeats parameters ({names}). Start again."
        )


def check_not_refused(response: AuthorizationResponse) -> None:
    """A refusal counts, whatever else the callback carries."""
    if response.denied is None and response.problem is None:
        return
    problem = clean_code(response.problem, "authorization_error")
    code = "access_denied" if response.denied is not None or problem in _DENIALS else problem
    raise AuthorizationError(
        code,
        REFUSALS.get(code, "The provider did not grant the login."),
        detail={
            "oauth_problem": clean_code(response.problem, ""),
            "oauth_problem_advice": clean_text(response.advice),
        },
        http_status=400,  # whatever the code means when it is one of ours
    )
