"""Requests about a token: revocation and introspection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..protocol.messages import Request
from ..protocol.oauth2.revocation import introspection_request
from ..protocol.oauth2.revocation import revocation_request
from ..protocol.oauth2.revocation import token_to_name
from .calls import read_form


class TokenManagement:
    """What an OAuth 2 session can do with a token beside using it."""

    def revoke_token(
        self: Any,
        url: str | None = None,
        token: Any = None,
        token_type_hint: str | None = None,
        body: str | None = None,
        auth: Any = None,
        headers: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Ask the server to forget a token (RFC 7009 section 2.1).

        :param url: revocation endpoint; default is the session's ``revocation_endpoint``.
        :param token: the token to revoke; default is the session's refresh token, without one
            its access token.
        :param token_type_hint: ``access_token`` or ``refresh_token``.
        :param body: form parameters to add, encoded.
        :param auth: client authentication of this call.
        :param headers: headers to add.
        :param kwargs: further parameters, and ``timeout``, ``verify``, ``cert``, ``proxies``.
        :returns: the response of requests, whatever its status; 200 also means that the token
            was not known (RFC 7009 section 2.2).
        :raises OAuthError: if there is no token to revoke or no acceptable answer.
        """
        settings, endpoint = self.transport_settings(kwargs), self._endpoint("revocation", url)
        request = revocation_request(
            self.client_auth(auth or self.revocation_endpoint_auth_method),
            endpoint,
            token_to_name(self.token if token is None else token, token_type_hint),
            token_type_hint=token_type_hint,
            params={**read_form(body or ""), **kwargs},
            headers=headers,
            insecure_http=self.insecure_http,
        )
        return self._answer_to(request, "revoke_token_request", settings)

    def introspect_token(
        self: Any,
        url: str | None = None,
        token: Any = None,
        token_type_hint: str | None = None,
        body: str | None = None,
        auth: Any = None,
        headers: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Ask the server what a token stands for (RFC 7662 section 2.1).

        :param url: introspection endpoint; default is the session's ``introspection_endpoint``.
        :param token: the token; default is the session's refresh token, without one its access
            token.
        :param token_type_hint: ``access_token`` or ``refresh_token``.
        :param body: form parameters to add, encoded.
        :param auth: client authentication of this call.
        :param headers: headers to add.
        :param kwargs: further parameters, and ``timeout``, ``verify``, ``cert``, ``proxies``.
        :returns: the response of requests, whatever its status; its JSON has ``active``.
        :raises OAuthError: if there is no token to ask about or no acceptable answer.
        """
        settings, endpoint = self.transport_settings(kwargs), self._endpoint("introspection", url)
        request = introspection_request(
            self.client_auth(auth),
            endpoint,
            token_to_name(self.token if token is None else token, token_type_hint),
            token_type_hint=token_type_hint,
            params={**read_form(body or ""), **kwargs},
            headers=headers,
            insecure_http=self.insecure_http,
        )
        return self._answer_to(request, "introspect_token_request", settings)

    def _answer_to(self: Any, request: Request, hook_type: str, settings: dict[str, Any]) -> Any:
        """Send a request and give the HTTP library's own response."""
        answers: list[Any] = []
        self.send_hooked(request, hook_type, on_response=answers.append, **settings)
        return answers[0]
