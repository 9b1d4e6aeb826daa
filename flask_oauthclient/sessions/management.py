"""Requests about a token: revocation and introspection, as steps."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from ..protocol.messages import Request
from ..protocol.oauth2.revocation import introspection_request
from ..protocol.oauth2.revocation import revocation_request
from ..protocol.oauth2.revocation import token_to_name
from ..transport._run import Steps
from .calls import read_form


class _AboutToken(NamedTuple):
    """A request about a token, as far as it is not about an endpoint."""

    parts: dict[str, Any]
    settings: dict[str, Any]


class TokenManagement:
    """What an OAuth 2 session can do with a token beside using it."""

    def revoke_steps(
        self: Any,
        url: str | None = None,
        token: Any = None,
        token_type_hint: str | None = None,
        body: str | None = None,
        auth: Any = None,
        headers: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> Steps[Any]:
        """Ask the server to forget a token (RFC 7009 section 2.1).

        :param url: revocation endpoint; default is the session's ``revocation_endpoint``.
        :param token: the token to revoke; default is the session's refresh token, without one
            its access token.
        :param token_type_hint: ``access_token`` or ``refresh_token``.
        :param body: form parameters to add, encoded.
        :param auth: client authentication of this call.
        :param headers: headers to add.
        :param kwargs: further parameters, and keywords of the HTTP library for this call.
        :returns: the HTTP library's response, whatever its status; 200 also means that the token
            was not known (RFC 7009 section 2.2).
        :raises OAuthError: if there is no token to revoke or no acceptable answer.
        """
        call: _AboutToken = self._about(token, token_type_hint, body, headers, kwargs)
        steps: Steps[Any] = self._ask(
            "revoke_token_request",
            revocation_request,
            self._endpoint("revocation", url),
            auth or self.revocation_endpoint_auth_method,
            call,
        )
        return steps

    def introspect_steps(
        self: Any,
        url: str | None = None,
        token: Any = None,
        token_type_hint: str | None = None,
        body: str | None = None,
        auth: Any = None,
        headers: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> Steps[Any]:
        """Ask the server what a token stands for (RFC 7662 section 2.1).

        :param url: introspection endpoint; default is the session's ``introspection_endpoint``.
        :param token: the token; default is the session's refresh token, without one its access
            token.
        :param token_type_hint: ``access_token`` or ``refresh_token``.
        :param body: form parameters to add, encoded.
        :param auth: client authentication of this call.
        :param headers: headers to add.
        :param kwargs: further parameters, and keywords of the HTTP library for this call.
        :returns: the HTTP library's response, whatever its status; its JSON has ``active``.
        :raises OAuthError: if there is no token to ask about or no acceptable answer.
        """
        call = self._about(token, token_type_hint, body, headers, kwargs)
        steps: Steps[Any] = self._ask(
            "introspect_token_request",
            introspection_request,
            self._endpoint("introspection", url),
            auth,
            call,
        )
        return steps

    def _about(
        self: Any,
        token: Any,
        token_type_hint: str | None,
        body: str | None,
        headers: Mapping[str, str] | None,
        kwargs: dict[str, Any],
    ) -> _AboutToken:
        settings = self.transport_settings(kwargs)
        parts = {
            "token": token_to_name(self.token if token is None else token, token_type_hint),
            "token_type_hint": token_type_hint,
            "params": {**read_form(body or ""), **kwargs},
            "headers": headers,
        }
        return _AboutToken(parts, settings)

    def _ask(
        self: Any,
        hook_type: str,
        build: Callable[..., Request],
        endpoint: str,
        auth: Any,
        call: _AboutToken,
    ) -> Steps[Any]:
        """Send a request about a token, and give the HTTP library's own response."""
        request = build(
            self.client_auth(auth), endpoint, insecure_http=self.insecure_http, **call.parts
        )
        answers: list[Any] = []
        yield from self.hooked_steps(
            request, hook_type, on_response=answers.append, **call.settings
        )
        return answers[0]
