"""The words of the pages, in the language of the person who reads them."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations
from gettext import NullTranslations
from pathlib import Path
from typing import Any
from typing import NamedTuple

#: The language of the strings in the code.
SOURCE_LANGUAGE = "en"
#: Name of the catalogues; also of those that an application adds in its ``translations``.
DOMAIN = "oauthclient"

_CATALOGUES = Path(__file__).parent / "translations"
_RIGHT_TO_LEFT = frozenset(
    {"ar", "arc", "ckb", "dv", "fa", "he", "ps", "sd", "syr", "ug", "ur", "yi"}
)


class FailureText(NamedTuple):
    """What a page says about a login that failed."""

    title: str
    #: A plain sentence or two. Nothing of it comes from outside.
    message: str


def _(message: str) -> str:
    """Mark a string for the catalogues."""
    return message


CANCELLED = FailureText(
    _("Sign-in cancelled"),
    _("You have not been signed in, because the sign-in was cancelled or declined."),
)
UNFINISHED = FailureText(
    _("One more step is needed"),
    _("The sign-in service has to ask you something first. Please try again."),
)
LOST = FailureText(
    _("This sign-in has run out"),
    _(
        "It took too long, or it was started in another window, browser or address. "
        "Please allow cookies for this site and try again."
    ),
)
USED = FailureText(
    _("This sign-in is already complete"),
    _("Each sign-in works only once. You can go on, or sign in again."),
)
ENDED = FailureText(
    _("Your sign-in has ended"),
    _("Please sign in again to go on."),
)
NOT_ALLOWED = FailureText(
    _("You cannot sign in with this service"),
    _("This site does not accept sign-ins from there. Please choose another way to sign in."),
)
BUSY = FailureText(
    _("Sign-in is not possible right now"),
    _("This site has a problem that should pass. Please try again in a few minutes."),
)
DOWN = FailureText(
    _("The sign-in service does not answer"),
    _("It may be down or overloaded. Please try again in a few minutes."),
)
PROVIDER = FailureText(
    _("The sign-in service made a mistake"),
    _("Its answer could not be trusted, so you have not been signed in. You can try again."),
)
CONFIGURATION = FailureText(
    _("Sign-in is not set up correctly"),
    _("Sign-in is not set up correctly. Tell whoever runs this site."),
)
ACCOUNT_MISMATCH = FailureText(
    _("You are signed in with another account"),
    _("Nothing has changed. You can stay signed in as you are, or switch to the other account."),
)
LINK_MISMATCH = FailureText(
    _("The account has not been connected"),
    _("You are not signed in as you were when you began. Please sign in and begin again."),
)
NOT_ENOUGH = FailureText(
    _("You cannot see this page"),
    _("The sign-in service did not confirm what this page needs. You can try again."),
)
LOGOUT_UNCONFIRMED = FailureText(
    _("You are signed out"),
    _(
        "You have been signed out of this site. Whether the sign-in service has signed you out "
        "as well is not known."
    ),
)
OTHER = FailureText(
    _("You have not been signed in"),
    _("Something went wrong on the way. Please try again."),
)

_GROUPS: Mapping[FailureText, str] = {
    CANCELLED: "access_denied",
    UNFINISHED: "login_required interaction_required consent_required account_selection_required",
    LOST: "missing_state mismatching_state state_lost state_foreign state_other_host "
    "state_expired state_unreadable missing_request_token invalid_grant",
    USED: "state_used",
    ENDED: "missing_token token_invalid token_expired",
    NOT_ALLOWED: "issuer_not_allowed",
    ACCOUNT_MISMATCH: "account_mismatch",
    LINK_MISMATCH: "link_mismatch",
    NOT_ENOUGH: "demand_not_met",
    BUSY: "state_unavailable",
    DOWN: "provider_unreachable provider_timeout provider_unavailable server_error "
    "temporarily_unavailable",
    PROVIDER: "unsupported_token_type redirect_refused response_too_large invalid_response "
    "missing_access_token missing_oauth_token callback_not_confirmed missing_token_type "
    "tls_failure invalid_metadata invalid_jwk_set wrong_response_mode missing_iss "
    "mismatching_iss missing_id_token invalid_id_token unsupported_alg unknown_key "
    "bad_signature missing_claim invalid_claim expired_id_token invalid_userinfo "
    "userinfo_sub_mismatch",
    CONFIGURATION: "not_initialized ambiguous_app missing_configuration invalid_configuration "
    "unknown_option unsupported_client_auth unsupported_response_type insecure_transport "
    "token_origin fetch_token_denied metadata_not_found issuer_mismatch state_too_large "
    "invalid_client invalid_request invalid_scope unauthorized_client unsupported_grant_type",
    OTHER: "missing_code missing_verifier invalid_callback callback_too_large "
    "method_not_allowed prefetch authorization_error invalid_logout_token logout_token_replayed",
}

#: What a person is told for a stable code; for any other it is :data:`OTHER`.
FAILURES: Mapping[str, FailureText] = {
    code: text for text, codes in _GROUPS.items() for code in codes.split()
}


@dataclass(frozen=True, slots=True)
class Words:
    """The strings of the pages in one language.

    :param language: its tag, as ``lang`` in HTML has it.
    :param catalogue: the translations.
    """

    language: str
    catalogue: NullTranslations

    @property
    def direction(self) -> str:
        """The direction of writing, as ``dir`` in HTML has it."""
        return "rtl" if _primary(self.language) in _RIGHT_TO_LEFT else "ltr"

    def gettext(self, message: str, **values: Any) -> str:
        """Translate a string of the pages.

        :param message: the English string.
        :param values: what stands for the ``%(name)s`` in it; escaped by the template.
        """
        text = self.catalogue.gettext(message)
        return text % values if values else text

    def failure(self, code: str) -> FailureText:
        """Say what a stable error code means for the person at the browser."""
        return FailureText(*map(self.gettext, FAILURES.get(code, OTHER)))


def translator(languages: Iterable[str], *folders: Path) -> Words:
    """The words in the first of the languages that there is, else in English.

    :param languages: language tags (BCP 47), the preferred first. ``de-AT`` is content with
        ``de``.
    :param folders: where an application has catalogues of its own; the last one goes before
        the others, and all before ours.
    """
    known = _known(folders)
    for tag in languages:
        for candidate in (_normal(tag), _primary(tag)):
            if candidate in known:
                return known[candidate]
    return known[SOURCE_LANGUAGE]


@cache
def _known(folders: tuple[Path, ...]) -> Mapping[str, Words]:
    # Languages are looked up in what is there: a tag from a browser never becomes a path.
    known = {SOURCE_LANGUAGE: Words(SOURCE_LANGUAGE, NullTranslations())}
    for place in (_CATALOGUES, *folders):
        for path in sorted(place.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")):
            tag = path.parent.parent.name.replace("_", "-")
            known[_normal(tag)] = Words(tag, _read(path, known.get(_normal(tag))))
    return known


def _read(path: Path, earlier: Words | None) -> GNUTranslations:
    with path.open("rb") as file:
        catalogue = GNUTranslations(file)
    if earlier is not None:
        catalogue.add_fallback(earlier.catalogue)
    return catalogue


def _normal(tag: str) -> str:
    return tag.replace("_", "-").lower()


def _primary(tag: str) -> str:
    return _normal(tag).partition("-")[0]
