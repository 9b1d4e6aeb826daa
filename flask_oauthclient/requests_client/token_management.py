"""Requests about a token: revocation and introspection."""

from __future__ import annotations

from collections.abc import Callable
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
        return self._ask(
            "revocation",
            "revoke_token_request",
            revocation_request,
            url=url,
            token=token,
            token_type_hint=token_type_hint,
            body=body,
            auth=auth or self.revocation_endpoint_auth_method,
            headers=headers,
            params=kwargs,
        )

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
        return self._ask(
            "introspection",
            "introspect_token_request",
            introspection_request,
            url=url,
            token=token,
            token_type_hint=token_type_hint,
            body=body,
            auth=auth,
            headers=headers,
            params=kwargs,
        )

    def _ask(
        self: Any,
        endpoint: str,
        hook_type: str,
        build: Callable[..., Request],
        *,
        url: str | None,
        token: Any,
        token_type_hint: str | None,
        body: str | None,
        auth: Any,
        headers: Mapping[str, str] | None,
        params: dict[str, Any],
    ) -> Any:
        """Send a request about a token, and give the HTTP library's own response."""
        settings = self.transport_settings(params)
        request = build(
            self.client_auth(auth),
            self._endpoint(endpoint, url),
            token_to_name(self.token if token is None else token, token_type_hint),
            token_type_hint=token_type_hint,
            params={**read_form(body or ""), **params},
            headers=headers,
            insecure_http=self.insecure_http,
        )
        answers: list[Any] = []
        self.send_hooked(request, hook_type, on_response=answers.append, **settings)
        return answers[0]
