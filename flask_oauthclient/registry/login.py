"""A login with the authorization code flow: the way out and the way back."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from types import UnionType
from typing import Any
from urllib.parse import parse_qsl
from urllib.parse import urlsplit

from ..protocol.errors import CallbackError
from ..protocol.errors import ConfigurationError
from ..protocol.errors import InvalidSettingError
from ..protocol.errors import MetadataError
from ..protocol.errors import MismatchingStateError
from ..protocol.errors import MissingIDTokenError
from ..protocol.oauth2.authorization import authorization_url
from ..protocol.oauth2.authorization import scope_to_list
from ..protocol.oauth2.authorization import scope_to_string
from ..protocol.oauth2.callback import AuthorizationResponse
from ..protocol.oauth2.callback import check_callback
from ..protocol.oauth2.callback import parse_callback
from ..protocol.oauth2.grants import code_exchange
from ..protocol.oauth2.metadata import flag
from ..protocol.oauth2.pkce import VERIFIER_LENGTH
from ..protocol.oauth2.pkce import create_s256_code_challenge
from ..protocol.oauth2.token import OAuth2Token
from ..protocol.random import generate_token
from ..protocol.urls import callback_pairs
from .framework import CallbackRequest
from .openid import OpenIDApp
from .remote_app import keeping_extra
from .remote_app import merged
from .remote_app import missing

_log = logging.getLogger(__name__)

NONCE_LENGTH = 20

#: Parameters that are made here for each login and cannot be set from outside.
_OURS = ("client_id", "code_challenge", "code_challenge_method")
#: Parameters that may be set for one login but not once for all.
_FOR_ONE_LOGIN = (*_OURS, "state", "nonce", "code_verifier", "redirect_uri", "response_type")
#: Keywords of ``authorize_access_token`` that concern the checks and not the token request.
_CHECKS = ("claims_options", "claims_cls", "leeway")


class LoginApp(OpenIDApp):
    """The login half of a client."""

    # -- out ------------------------------------------------------------------------------

    def create_authorization_url(
        self, redirect_uri: str | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Build an authorization request (RFC 6749 section 4.1.1).

        :param redirect_uri: where the provider shall send the browser back to; default is the
            registered one.
        :param kwargs: parameters of the request (``prompt``, ``login_hint``, ``scope``, ...).
            ``state``, ``nonce`` and ``code_verifier`` are made up unless they are given.
        :returns: ``url`` and ``state``; ``code_verifier`` and ``nonce`` where they are used; and
            whatever else of the request the callback will be measured by.
        :raises OAuthError: if the settings do not suffice or discovery fails.
        """
        metadata = self.load_server_metadata()
        endpoint = self.authorize_url or metadata.get("authorization_endpoint")
        if not endpoint:
            raise missing("authorize_url")
        if not self.client_id:
            raise missing("client_id")
        check_params(self.authorize_params, kwargs)
        params = merged(self._default_params(), self.authorize_params, kwargs)
        if params.pop("response_type", "code") != "code":
            raise ConfigurationError("unsupported_response_type")
        pending = self._pending(params)
        request = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect_uri or self._options.redirect_uri,
            "scope": params.pop("scope", None),
            "state": pending["state"],
            "nonce": pending.get("nonce"),
            **_challenge(pending.get("code_verifier")),
        }
        self._warn_of_plain_http(request["redirect_uri"])
        self._check_endpoint_query(str(endpoint), request)
        return {"url": authorization_url(str(endpoint), {**request, **params}), **pending}

    def _check_endpoint_query(self, endpoint: str, request: Mapping[str, Any]) -> None:
        """A query of the endpoint's own is kept, but each parameter is sent once (RFC 6749 3.1)."""
        query = parse_qsl(urlsplit(endpoint).query, keep_blank_values=True)
        repeated = sorted({name for name, _ in query} & request.keys())
        if not repeated:
            return
        why = f"The query of the authorization endpoint sets {', '.join(repeated)}."
        if self.authorize_url:
            raise InvalidSettingError("invalid_configuration", f"{why} Take it out of the URL.")
        raise MetadataError("invalid_metadata", why)

    def _default_params(self) -> dict[str, Any]:
        names = ("scope", "response_mode", "prompt", "login_hint", "response_type")
        return {name: self.client_kwargs[name] for name in names if name in self.client_kwargs}

    def _pending(self, params: dict[str, Any]) -> dict[str, Any]:
        """What has to be remembered of a request; its secrets are taken out of the parameters."""
        pending: dict[str, Any] = {"state": params.pop("state", None) or self.framework.new_state()}
        verifier = params.pop("code_verifier", None)
        if self.client_kwargs.get("code_challenge_method", "S256") or verifier:
            pending["code_verifier"] = verifier or generate_token(VERIFIER_LENGTH)
        nonce = params.pop("nonce", None)
        if nonce or "openid" in scope_to_list(params.get("scope")):
            pending["nonce"] = nonce or generate_token(NONCE_LENGTH)
        pending |= {name: params[name] for name in ("max_age", "response_mode") if name in params}
        if params.get("scope") != self.client_kwargs.get("scope"):
            pending["scope"] = scope_to_string(params.get("scope")) or ""
        demand = demanded_acr(params)
        if demand:
            pending["acr"] = demand
        return pending

    # -- back -----------------------------------------------------------------------------

    def authorize_access_token(self, **kwargs: Any) -> OAuth2Token:
        """Complete a login at the redirect URI.

        The state is checked and used up before anything else; then the issuer, the error or code,
        the token response and, for an OpenID Connect login, the ID token.

        :param kwargs: ``claims_options``, ``claims_cls`` and ``leeway`` for the ID token; anything
            else goes to the token request.
        :returns: the token. ``userinfo`` holds the claims of the verified ID token, ``extra`` what
            :meth:`authorize_redirect` was given.
        :raises OAuthError: a subclass, with a stable code for each cause; nothing else.
        """
        checks = {name: kwargs.pop(name) for name in _CHECKS if name in kwargs}
        callback = self.framework.read_callback()
        response = parse_callback(callback.params)
        pending = self._take_pending(response)
        with keeping_extra(pending):
            check_response_mode(callback, pending.get("response_mode"))
            code = self._check_callback(response)
            token = self._exchange_code(code, pending, kwargs)
            self._note_scope(token, pending.get("scope", self.client_kwargs.get("scope")))
            self._accept_id_token(token, pending, code, response.state, checks)
        if "extra" in pending:
            token["extra"] = pending["extra"]
        self.framework.set_current_token(token)
        return token

    def _take_pending(self, response: AuthorizationResponse) -> dict[str, Any]:
        if not response.state or "state" in response.repeated:
            raise MismatchingStateError("missing_state")
        pending: dict[str, Any] = self.framework.take_login(response.state)
        if "post_logout_redirect_uri" in pending:  # a logout state is no login state
            raise MismatchingStateError
        check_pending(pending)
        return pending

    def _check_callback(self, response: AuthorizationResponse) -> str:
        # With a registered issuer, an error needs no discovery to be reported.
        enough = bool(response.error and self._options.issuer)
        metadata = self.server_metadata if enough else self.load_server_metadata()
        return check_callback(
            response,
            issuer=self.server.issuer,
            iss_required=flag(metadata, "authorization_response_iss_parameter_supported"),
        )

    def _exchange_code(
        self, code: str, pending: Mapping[str, Any], kwargs: dict[str, Any]
    ) -> OAuth2Token:
        settings = self.session.transport_settings(kwargs)
        exchange = code_exchange(
            self._client_auth(kwargs.pop("auth", None)),
            self._token_endpoint(),
            code=code,
            redirect_uri=pending.get("redirect_uri"),
            code_verifier=pending.get("code_verifier"),
            insecure_http=self._options.insecure_http,
            **merged(self.access_token_params, kwargs),
        )
        return self._run(exchange, "access_token", **settings)

    def fetch_access_token(self, redirect_uri: str | None = None, **kwargs: Any) -> OAuth2Token:
        """Send a token request, without any state (the low-level half of a login).

        :param redirect_uri: the one of the authorization request.
        :param kwargs: parameters of the grant (``code``, ``code_verifier``, ``username``, ...), or
            ``authorization_response``, the URL that the browser came back to, with the ``state``
            to compare it with.
        :raises OAuthError: if there is no token to be had.
        """
        response, state = kwargs.pop("authorization_response", None), kwargs.pop("state", None)
        if response is not None:
            self.session.check_redirect(response, state)
            self.session.read_authorization_response(response, state)
            # The session does not know the issuer, which counts here as well (RFC 9207).
            pairs = callback_pairs(response, "query")
            kwargs["code"] = self._check_callback(parse_callback(pairs))
        settings = self.session.transport_settings(kwargs)
        params = merged(self.access_token_params, kwargs)
        grant_type = params.pop("grant_type", None) or self.session.guess_grant_type(params)
        self.session.warn_of_grant(grant_type)
        if grant_type != "authorization_code":
            params.setdefault("scope", self.client_kwargs.get("scope"))
        exchange = self.session.token_exchange(
            self._token_endpoint(),
            grant_type,
            auth=self._client_auth(params.pop("auth", None)),
            redirect_uri=redirect_uri,
            insecure_http=self._options.insecure_http,
            **params,
        )
        return self._run(exchange, "access_token", **settings)

    def _note_scope(self, token: OAuth2Token, asked: Any) -> None:
        """An absent scope means the one asked for (RFC 6749 section 5.1); a wider one is odd."""
        if not token.get("scope"):
            if asked:
                token["scope"] = scope_to_string(asked)
            return
        wider = set(scope_to_list(token["scope"])) - set(scope_to_list(asked))
        if asked and wider:
            _log.warning("client %r: the token's scope is wider than asked for", self.name)

    def _accept_id_token(
        self,
        token: OAuth2Token,
        pending: Mapping[str, Any],
        code: str,
        state: str | None,
        checks: Mapping[str, Any],
    ) -> None:
        nonce = pending.get("nonce")
        if token.get("id_token") is None:
            if nonce is not None:
                raise MissingIDTokenError
            return
        if nonce is None and not self.server.can_verify:
            # Nobody asked for it and nobody can check it: it must not be taken for a proof.
            del token["id_token"]
            return
        token["userinfo"] = self.verify_login(
            token, pending, code=code, state=state, trusted=True, **checks
        )


def check_params(fixed: Mapping[str, Any], call: Mapping[str, Any]) -> None:
    """Parameters that bind a login together are made for each login, and sent once.

    :raises InvalidSettingError: if they are set from outside.
    """
    for name in (*(set(fixed) & set(_FOR_ONE_LOGIN)), *(set(call) & set(_OURS))):
        where = "authorize_params" if name in fixed else "the call"
        raise InvalidSettingError(
            "invalid_configuration",
            f"{name!r} cannot be set by {where}: each login has its own.",
        )


#: The types of what is kept of a login. Anything may stand in a session or cache that others
#: write to as well.
_KEPT: dict[str, type | UnionType] = {
    "redirect_uri": str,
    "nonce": str,
    "code_verifier": str,
    "response_mode": str,
    "scope": str,
    "max_age": str | int | float,
    "acr": dict,
}


def check_pending(pending: Mapping[str, Any]) -> None:
    """What was kept of a login is of the right types.

    :raises MismatchingStateError: if not.
    """
    fitting = all(isinstance(pending[name], _KEPT[name]) for name in _KEPT.keys() & pending.keys())
    values = pending.get("acr", {}).get("values", []) if fitting else None
    if not isinstance(values, list):
        raise MismatchingStateError("state_unreadable")


def _challenge(verifier: str | None) -> dict[str, str]:
    if not verifier:
        return {}
    challenge = create_s256_code_challenge(verifier)
    return {"code_challenge": challenge, "code_challenge_method": "S256"}


def demanded_acr(params: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a request demands of ``acr`` (Core 3.1.2.1 and 5.5.1.1)."""
    claims = _requested_claims(params.get("claims"))
    of_id_token = claims.get("id_token")
    wish = of_id_token.get("acr") if isinstance(of_id_token, Mapping) else None
    if isinstance(wish, Mapping):
        value = [wish["value"]] if "value" in wish else []
        values = list(wish.get("values") or value)
        return {"values": values, "essential": bool(wish.get("essential"))}
    voluntary = scope_to_list(params.get("acr_values"))
    return {"values": voluntary, "essential": False} if voluntary else None


def _requested_claims(given: Any) -> Mapping[str, Any]:
    """The parameter ``claims``, as an object or as the text that is sent."""
    if isinstance(given, str | bytes):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            given = None  # it is the provider's to refuse
    return given if isinstance(given, Mapping) else {}


def check_response_mode(callback: CallbackRequest, asked: object) -> None:
    """An answer in another mode than the one asked for is not the answer.

    :raises CallbackError: if the modes differ. Without a wish, a POST is fine too.
    """
    if asked is None:
        return
    posted = callback.method == "POST"
    if (asked == "form_post") != posted:
        raise CallbackError("wrong_response_mode")
