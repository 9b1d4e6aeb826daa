"""What access tokens open: userinfo, and a tiny API to try them on."""

from __future__ import annotations

import collections
import json
import threading
import typing as t

from .answer import Answer
from .answer import json_answer
from .call import Call
from .errors import Refusal
from .errors import bearer_refusal
from .grants import IssuedToken

if t.TYPE_CHECKING:
    from .provider import DevelopmentProvider

_NO_STORE = (("Cache-Control", "no-store"),)
MAX_NOTES = 100
MAX_NOTE_LENGTH = 500


class Resources:
    """The protected resources.

    :param provider: The provider.
    """

    def __init__(self, provider: DevelopmentProvider) -> None:
        self._provider = provider
        self._lock = threading.Lock()
        self._notes: dict[str, collections.deque[dict[str, t.Any]]] = {}
        self._count = 0

    def userinfo(self, call: Call) -> Answer:
        """Answer with the claims of the person (OpenID Connect Core 5.3).

        :param call: The request, GET or POST.
        :returns: The answer.
        :raises Refusal: if the token is no good.
        """
        token = self._authorize(call, "openid")
        persona = self._provider.personas[token.grant.sub]
        return json_answer(persona.claims_for(token.scopes), headers=_NO_STORE)

    def me(self, call: Call) -> Answer:
        """Answer with what the access token is.

        :param call: The request.
        :returns: The answer.
        :raises Refusal: if the token is no good.
        """
        token = self._authorize(call)
        grant = token.grant
        document = {
            "sub": grant.sub,
            "client_id": grant.client_id,
            "scope": " ".join(token.scopes),
            "expires_in": int(token.expires_at - self._provider.clock()),
        }
        return json_answer(document, headers=_NO_STORE)

    def notes(self, call: Call) -> Answer:
        """List the person's notes, or add one.

        :param call: GET, or POST with ``{"text": "..."}``.
        :returns: The answer.
        :raises Refusal: if the token or the note is no good.
        """
        token = self._authorize(call, "api")
        if call.method == "POST":
            note = self._add_note(token.grant.sub, _read_text(call))
            return json_answer(note, 201, _NO_STORE)
        with self._lock:
            notes = list(self._notes_of(token.grant.sub))
        return json_answer({"notes": notes}, headers=_NO_STORE)

    def _notes_of(self, sub: str) -> collections.deque[dict[str, t.Any]]:
        return self._notes.setdefault(sub, collections.deque(maxlen=MAX_NOTES))

    def _add_note(self, sub: str, text: str) -> dict[str, t.Any]:
        with self._lock:
            self._count += 1
            created_at = int(self._provider.clock())
            note = {"id": self._count, "text": text, "created_at": created_at}
            self._notes_of(sub).append(note)
        return note

    def _authorize(self, call: Call, scope: str = "") -> IssuedToken:
        name = _bearer_token(call)
        self._provider.secrets.add(name)
        token = self._provider.grants.find_access(name)
        if token is None:
            raise bearer_refusal(
                "invalid_token", "The access token is unknown, revoked or has expired.", 401
            )
        if scope and scope not in token.scopes:
            raise bearer_refusal(
                "insufficient_scope", "The access token's scope does not cover this.", 403, scope
            )
        return token


def _bearer_token(call: Call) -> str:
    # RFC 6750 2: in the header or the form; in the query it would end up in logs.
    header, in_form = call.headers.get("Authorization"), call.form.get("access_token")
    if header is not None and in_form is not None:
        raise bearer_refusal("invalid_request", "The access token was sent twice.", 400)
    if header is None and in_form is None:
        raise bearer_refusal("", "Send an access token.", 401)
    if in_form is not None:
        return in_form
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise bearer_refusal("", "Send the access token as Bearer.", 401)
    return token.strip()


def _read_text(call: Call) -> str:
    try:
        text = json.loads(call.body)["text"]
    except (ValueError, KeyError, TypeError):
        text = None
    if not isinstance(text, str) or not 0 < len(text.strip()) <= MAX_NOTE_LENGTH:
        raise Refusal(
            "invalid_note", f'Send {{"text": "..."}} with 1 to {MAX_NOTE_LENGTH} characters.'
        )
    return text.strip()
