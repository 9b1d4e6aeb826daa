"""The stable error codes, each listed once, and text from outside made harmless."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple
from urllib.parse import unquote
from urllib.parse import unquote_plus


class Code(NamedTuple):
    """What one stable error code means."""

    #: A fitting HTTP status for a page that reports it.
    http_status: int
    #: What happened and what to do, for a person.
    message: str


#: Every code this package gives, in the order of a login. Codes that a provider sent
#: (``access_denied``, ``invalid_grant``, ...) are passed on as they are.
CODES: dict[str, Code] = {
    # -- configuration ---------------------------------------------------------------------
    "not_initialized": Code(500, "The OAuth registry has no Flask app. Call oauth.init_app(app)."),
    "ambiguous_app": Code(
        500,
        "Several apps share this registry and none is active. Use it inside app.app_context().",
    ),
    "missing_configuration": Code(500, "A required setting is missing."),
    "invalid_configuration": Code(500, "A setting has a value that cannot work."),
    "unknown_option": Code(500, "The registration names an option that does not exist."),
    "unsupported_client_auth": Code(
        500, "The client authentication method is not known. Register it, or pick a built-in one."
    ),
    "unsupported_response_type": Code(
        500, "Only the authorization code flow is supported here. Leave response_type out."
    ),
    "insecure_transport": Code(
        500, "Credentials travel over https only (plain http is for loopback addresses)."
    ),
    "token_origin": Code(
        500,
        "The token is not sent to this origin. Add it to token_origins, or call with "
        "withhold_token=True.",
    ),
    # -- the token at hand -----------------------------------------------------------------
    "missing_token": Code(401, "There is no token. Let the user log in first."),
    "missing_request_token": Code(400, "There is no request token. Start the login again."),
    "token_invalid": Code(401, "The token has expired and cannot be refreshed. Log in again."),
    "token_expired": Code(401, "The token has expired. Log in again."),
    "sign_in_required": Code(401, "There is no token of this user that works. Sign in again."),
    "token_store_unavailable": Code(
        503, "The store of tokens is not reachable. Nothing is lost; try again soon."
    ),
    "token_busy": Code(
        503, "Another worker has been refreshing this token for too long. Try again soon."
    ),
    "token_too_large": Code(
        500, "The token does not fit the store. Keep tokens in a database or in Redis."
    ),
    "unsupported_token_type": Code(502, "The token has a type that this client cannot use."),
    # -- talking to the provider -----------------------------------------------------------
    "provider_unreachable": Code(502, "The provider could not be reached. Try again later."),
    "provider_timeout": Code(504, "The provider took too long to answer. Try again later."),
    "provider_unavailable": Code(502, "The provider is out of order. Try again later."),
    "tls_failure": Code(
        502, "The provider's TLS certificate was not accepted. Check the CA bundle and the host."
    ),
    "redirect_refused": Code(
        502, "The provider answered with a redirect where none is allowed. Check the endpoint URL."
    ),
    "response_too_large": Code(502, "The provider's answer exceeds the size limit."),
    "invalid_response": Code(502, "The provider's answer could not be understood."),
    "missing_access_token": Code(502, "The token response carries no usable access_token."),
    "missing_oauth_token": Code(502, "The token response carries no usable oauth_token."),
    "fetch_token_denied": Code(
        502, "The provider refused the token request. Check key, secret and signature method."
    ),
    "callback_not_confirmed": Code(
        502, "The provider does not confirm the callback (RFC 5849 section 2.1)."
    ),
    "missing_token_type": Code(502, "The response carries an access_token without its type."),
    # -- metadata and keys -----------------------------------------------------------------
    "metadata_not_found": Code(502, "No metadata document was found. Check the issuer URL."),
    "invalid_metadata": Code(502, "The provider's metadata document is not usable."),
    "issuer_mismatch": Code(
        502,
        "The metadata names another issuer than the one configured. Configure exactly the "
        "issuer that the provider states, to the last slash.",
    ),
    "issuer_not_allowed": Code(400, "Sign-in at this issuer is not allowed."),
    "invalid_jwk_set": Code(502, "The provider's key set is not usable."),
    # -- the callback ----------------------------------------------------------------------
    "missing_state": Code(400, "The callback carries no state. Start the login again."),
    "mismatching_state": Code(
        400, "This login was not started here, or not by this client. Start the login again."
    ),
    "state_lost": Code(
        400,
        "The browser came back without the cookie of this login. Check that cookies are allowed "
        "and that SESSION_COOKIE_* settings fit the URL, then start the login again.",
    ),
    "state_foreign": Code(
        400,
        "This login was started in another browser or session. Start the login again in this one.",
    ),
    "state_other_host": Code(
        400,
        "The login was started on another host name than the callback. Open the app under the "
        "host name of its redirect URI (localhost and 127.0.0.1 are different hosts).",
    ),
    "state_expired": Code(400, "The login took longer than ten minutes. Start the login again."),
    "state_used": Code(400, "This login has already been completed. Go back to the application."),
    "state_unreadable": Code(
        400, "The stored data of this login cannot be read. Start the login again."
    ),
    "state_unavailable": Code(503, "The store of pending logins is not reachable. Try again soon."),
    "state_too_large": Code(
        500, "The data to keep during the login does not fit a cookie. Configure a cache."
    ),
    "missing_code": Code(400, "The callback carries no authorization code. Start again."),
    "missing_verifier": Code(400, "The callback carries no oauth_verifier. Start again."),
    "invalid_callback": Code(400, "The callback is malformed. Start the login again."),
    "callback_too_large": Code(413, "The callback is too large."),
    "method_not_allowed": Code(405, "The callback answers GET and POST only."),
    # No success, which a browser could keep for the visit itself, as it could a 204.
    "prefetch": Code(405, "A prefetch does not complete a login."),
    "wrong_response_mode": Code(
        400, "The provider answered in another response mode than the one asked for."
    ),
    "missing_iss": Code(
        400, "The provider announces an iss parameter but the callback has none (RFC 9207)."
    ),
    "mismatching_iss": Code(
        400, "The callback comes from another issuer than the login was started at (RFC 9207)."
    ),
    "authorization_error": Code(400, "The provider did not grant the login."),
    # -- whoever is signed in -------------------------------------------------------------
    "account_mismatch": Code(
        409, "Somebody else is signed in here. Sign out first, or switch to the other account."
    ),
    "link_mismatch": Code(
        403,
        "Linking was asked for by somebody who is not signed in here any more. Sign in and link "
        "the account again.",
    ),
    "demand_not_met": Code(
        403,
        "The provider was asked for what login_required demands (scopes, max_age or acr) and gave "
        "less. Check what the provider supports.",
    ),
    # -- ID token, userinfo, logout --------------------------------------------------------
    "missing_id_token": Code(502, "The provider sent no ID token for an openid login."),
    "invalid_id_token": Code(502, "The ID token is malformed."),
    "unsupported_alg": Code(502, "The ID token is signed with an algorithm that is not allowed."),
    "unknown_key": Code(502, "The ID token is signed with a key that the provider does not list."),
    "bad_signature": Code(502, "The signature of the ID token is wrong."),
    "missing_claim": Code(502, "The ID token lacks a required claim."),
    "invalid_claim": Code(502, "A claim of the ID token does not fit this login."),
    "expired_id_token": Code(502, "The ID token has expired. Check the clock of this machine."),
    "invalid_userinfo": Code(502, "The userinfo response is not usable."),
    "userinfo_sub_mismatch": Code(502, "The userinfo response is about another user."),
    "invalid_logout_token": Code(400, "The logout token is not acceptable. No session has ended."),
    "logout_token_replayed": Code(400, "The logout token has been used before."),
}

#: What the codes that providers send mean for the developer or the user (RFC 6749 sections
#: 4.1.2.1 and 5.2, OpenID Connect Core 3.1.2.6).
REFUSALS: dict[str, str] = {
    "access_denied": "The login was cancelled or denied at the provider.",
    "invalid_client": "The provider does not accept the client credentials. Check client_id, "
    "client_secret and token_endpoint_auth_method.",
    "invalid_grant": "The provider does not accept the code or refresh token: it is spent, "
    "expired or not for this client. Start the login again.",
    "invalid_request": "The provider finds the request malformed. Check the registered "
    "redirect URI and the parameters.",
    "invalid_scope": "The provider does not know a scope that was asked for.",
    "unauthorized_client": "The client is not allowed to use this grant at the provider.",
    "unsupported_grant_type": "The provider does not support this grant.",
    "unsupported_response_type": "The provider does not support the authorization code flow.",
    "server_error": "The provider failed. Try again later.",
    "temporarily_unavailable": "The provider is overloaded or under maintenance. Try again later.",
    "login_required": "The user has to log in at the provider.",
    "interaction_required": "The provider has to ask the user something.",
    "consent_required": "The user has to give consent at the provider.",
    "account_selection_required": "The user has to choose an account at the provider.",
}

_UNCLEAN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_ERROR_CODE = re.compile(r"[A-Za-z0-9_.:/\-]{1,64}")


def clean_text(value: object, limit: int = 200, *, secrets: Collection[str] = ()) -> str:
    """Make text from outside fit for one log line: no control characters, bounded.

    :param value: the text; anything else is none.
    :param limit: how much of it is kept.
    :param secrets: what it must not show; a text that does is dropped whole.
    """
    if not isinstance(value, str) or (secrets and quotes(value, secrets)):
        return ""
    return _UNCLEAN.sub(" ", value)[:limit]


def clean_code(value: object, default: str, *, secrets: Collection[str] = ()) -> str:
    """Return an error code from outside if it looks like one (RFC 6749 section 5.2).

    :param value: the code.
    :param default: the code to give instead of what is none.
    :param secrets: what it must not show, unless it is a registered code.
    """
    if not isinstance(value, str) or not _ERROR_CODE.fullmatch(value):
        return default
    return value if value in REFUSALS or not quotes(value, secrets) else default


def quotes(said: str, secrets: Collection[str]) -> bool:
    """Whether a server shows a secret that was sent, or the key that it expected.

    It may stand there as it is, escaped, as in a form, or twice escaped as in the base string of
    a signature (RFC 5849 section 3.4.1).

    :param said: text from outside, whole.
    :param secrets: the secrets; empty ones are none.
    """
    return any(secret in text for text in _readings(said) for secret in secrets if secret)


def _readings(said: str) -> set[str]:
    readings = {said}
    for _ in range(2):
        readings |= {decode(text) for text in readings for decode in (unquote, unquote_plus)}
    return readings
