"""Temporary and token credentials as servers send them (RFC 5849 sections 2.1, 2.3)."""

from __future__ import annotations

import re
from collections.abc import Collection
from collections.abc import Mapping
from typing import Any

from .. import strict_json
from ..error_codes import clean_code
from ..error_codes import clean_text
from ..errors import ProviderResponseError
from ..errors import TokenRequestError
from ..masked import MaskedDict
from ..messages import Response
from ..urls import form_params
from .placement import is_form_encoded

#: The longest token or secret that is believed to be one.
MAX_CREDENTIAL = 2048

#: Where servers say why (OAuth Problem Reporting extension, RFC 6749 section 5.2).
_PROBLEMS = ("oauth_problem", "error")
_ADVICE = ("oauth_problem_advice", "error_description", "message")


class OAuth1Token(MaskedDict):
    """Credentials with everything that came with them; its ``repr`` shows no secret."""

    shown = frozenset({"oauth_callback_confirmed", "oauth_expires_in"})


def parse_token_response(response: Response, secrets: Collection[str] = ()) -> OAuth1Token:
    """Read the answer to a request for temporary or token credentials.

    :param response: the answer, whatever its status.
    :param secrets: what must not be seen in an error, if the server quotes it.
    :returns: the credentials. ``oauth_token_secret`` is always there: servers that know a client
        by its RSA key may send none, and then it is empty.
    :raises TokenRequestError: with the code ``fetch_token_denied`` for status 400 and above.
    :raises ProviderResponseError: (a ``ValueError``) if there are no usable credentials.
    """
    if response.status >= 400:
        raise TokenRequestError(
            "fetch_token_denied",
            f"Token request failed with code {response.status}.",
            detail=_refusal(response, secrets),
        )
    params = _read(response.body) if 200 <= response.status < 300 else None
    if params is None:
        raise ProviderResponseError(
            "invalid_response",
            f"The token response is neither a form nor a JSON object (HTTP {response.status}). "
            "Check the endpoint's URL.",
            detail={
                "status": response.status,
                "content_type": clean_text(response.content_type),
            },
        )
    return _checked(params, response.status)


def _checked(params: dict[str, Any], status: int) -> OAuth1Token:
    secret = params.get("oauth_token_secret")
    token = OAuth1Token({**params, "oauth_token_secret": "" if secret is None else secret})
    if not token.get("oauth_token") or not all(map(_is_credential, _credentials(token))):
        raise ProviderResponseError("missing_oauth_token", detail={"status": status})
    return token


def _credentials(token: Mapping[str, Any]) -> tuple[Any, Any]:
    return token["oauth_token"], token["oauth_token_secret"]


def _is_credential(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_CREDENTIAL and value.isprintable()


# -- the body ----------------------------------------------------------------------------


def _read(body: bytes) -> dict[str, Any] | None:
    """Read a form or a JSON object; servers often give both a wrong content type."""
    body = body.strip()
    try:
        return _read_json(body) if body.startswith(b"{") else _read_form(body)
    except ValueError:
        return None  # the parsers' own exceptions would carry the credentials


def _read_json(body: bytes) -> dict[str, Any] | None:
    params = strict_json.loads(body)
    return params if isinstance(params, dict) else None


def _read_form(body: bytes) -> dict[str, Any] | None:
    text = body.decode("ascii")
    return form_params(text, errors="strict") if is_form_encoded(text) else None


# -- a refusal ---------------------------------------------------------------------------

_CHALLENGE_FIELD = re.compile(r'(oauth_problem(?:_advice)?)="([^"]{0,500})"')


def _refusal(response: Response, secrets: Collection[str]) -> dict[str, Any]:
    """What a refusal says, as far as it fits a log; never the body, which may quote the request."""
    challenge = dict(_CHALLENGE_FIELD.findall(response.headers.get("www-authenticate", "")))
    said = {**challenge, **_said(_read(response.body) or {})}
    problem, advice = _first(said, _PROBLEMS), _first(said, _ADVICE)
    return {
        "status": response.status,
        "oauth_problem": clean_code(problem, "", secrets=secrets),
        "oauth_problem_advice": clean_text(advice, secrets=secrets),
    }


def _said(params: dict[str, Any]) -> dict[str, Any]:
    """The first of several errors, as Twitter lists them, or the one that there is."""
    match params.get("errors"):
        case [dict() as first, *_]:
            return first
    return params


def _first(said: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((said[name] for name in names if said.get(name)), "")
