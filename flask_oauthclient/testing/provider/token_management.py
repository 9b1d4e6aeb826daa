"""What clients do with tokens later: revoke them, and ask whether they are still good."""

from __future__ import annotations

import typing as t

from .answer import Answer
from .answer import json_answer
from .call import Call
from .client_auth import ClientAuthentication
from .client_auth import invalid_client
from .errors import Refusal
from .grants import IssuedToken

if t.TYPE_CHECKING:
    from .provider import DevelopmentProvider

_NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))


class TokenManagement:
    """The revocation endpoint (RFC 7009) and the introspection endpoint (RFC 7662).

    Both find a token of either kind without its ``token_type_hint``, which is only a hint.

    :param provider: The provider.
    :param clients: Authenticates the callers.
    """

    def __init__(self, provider: DevelopmentProvider, clients: ClientAuthentication) -> None:
        self._provider = provider
        self._clients = clients

    def revoke(self, call: Call) -> Answer:
        """Revoke a token of the calling client; one that isn't known is as good as revoked.

        An access token ends alone; with a refresh token ends all that was granted with it.

        :param call: The request.
        :returns: The answer, which is empty.
        :raises Refusal: if the client proves nothing, or the token isn't its own.
        """
        self._clients.read_form(call)
        client = self._clients.authenticate(call)
        self._provider.grants.revoke_token(_token(call), client.client_id)
        return Answer(headers=_NO_STORE)

    def introspect(self, call: Call) -> Answer:
        """Tell a client that has credentials what a token is; of a dead one, only that.

        :param call: The request.
        :returns: The answer.
        :raises Refusal: if the client proves nothing.
        """
        self._clients.read_form(call)
        # RFC 7662 2.1: without authentication, anybody could try tokens out here.
        if self._clients.authenticate(call).is_public:
            raise invalid_client("A public client may not introspect tokens.")
        return json_answer(self._description(_token(call)), headers=_NO_STORE)

    def _description(self, name: str) -> dict[str, t.Any]:
        access = self._provider.grants.find_access(name)
        if access is not None:
            return {**self._members(access), "token_type": "Bearer"}
        refresh = self._provider.grants.find_refresh(name)
        return {"active": False} if refresh is None else self._members(refresh)

    def _members(self, token: IssuedToken) -> dict[str, t.Any]:
        grant = token.grant
        persona = self._provider.personas.get(grant.sub)
        username = {} if persona is None else {"username": persona.username}
        return {
            "active": True,
            "scope": " ".join(token.scopes),
            "client_id": grant.client_id,
            "sub": grant.sub,
            "iss": self._provider.issuer,
            "exp": int(token.expires_at),
            **username,
        }


def _token(call: Call) -> str:
    token = call.form.get("token")
    if token is None:
        raise Refusal("invalid_request", "The parameter 'token' is missing.")
    return token
