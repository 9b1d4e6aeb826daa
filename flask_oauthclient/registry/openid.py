"""The OpenID Connect half of a client: ID tokens, keys, userinfo, logout."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any

from ..protocol.errors import CallbackError
from ..protocol.errors import ExpiredIDTokenError
from ..protocol.errors import IDTokenError
from ..protocol.errors import ImmatureIDTokenError
from ..protocol.errors import MetadataError
from ..protocol.errors import MismatchingStateError
from ..protocol.errors import TransportError
from ..protocol.errors import UnknownKeyError
from ..protocol.messages import Response
from ..protocol.oauth2.authorization import scope_to_list
from ..protocol.oauth2.callback import parse_callback
from ..protocol.oauth2.metadata import endpoint
from ..protocol.oauth2.token import OAuth2Token
from ..protocol.oauth2.token import seconds
from ..protocol.oidc.claims import UserInfo
from ..protocol.oidc.claims import check_claims_options
from ..protocol.oidc.id_token import LEEWAY
from ..protocol.oidc.id_token import MAX_AGE_OF_TOKEN
from ..protocol.oidc.id_token import Expected
from ..protocol.oidc.logout import logout_url
from ..protocol.oidc.logout_token import LogoutToken
from ..protocol.oidc.refreshed import check_same_login
from ..protocol.oidc.userinfo import check_response_issuer
from ..protocol.oidc.userinfo import claims_of
from ..protocol.oidc.userinfo import parse_userinfo
from ..protocol.oidc.userinfo import subject_of
from ..protocol.oidc.userinfo import userinfo_request
from ..protocol.random import generate_token
from .oauth2_app import OAuth2App

_log = logging.getLogger(__name__)

_LOGOUT_STATE_LENGTH = 20
#: What an ID token fails by if the clock here, or there, is wrong.
_OF_THE_CLOCK = (ExpiredIDTokenError, ImmatureIDTokenError)


class OpenIDApp(OAuth2App):
    """What OpenID Connect adds to a client."""

    # -- keys and ID tokens ---------------------------------------------------------------

    def fetch_jwk_set(self, force: bool = False) -> dict[str, Any]:
        """The provider's key set (RFC 7517), fetched when it is not at hand.

        :param force: ask the provider in any case.
        :raises MissingConfigurationError: if it is not known where the keys are.
        :raises OAuthError: if they cannot be had.
        """
        self.load_server_metadata()
        return dict(self.server.fetch_jwk_set(force=force))

    def parse_id_token(
        self,
        token: Mapping[str, Any],
        nonce: str | None = None,
        claims_options: Mapping[str, Any] | None = None,
        claims_cls: Any = None,
        leeway: float | None = None,
    ) -> UserInfo | None:
        """Verify the ID token of a token response.

        The token may come from anywhere; keys that are not known lead to a bounded number of
        requests to the provider.

        :param token: the response, with ``id_token``; ``access_token`` is checked against
            ``at_hash`` if both are there.
        :param nonce: the nonce of the login, if there was one.
        :param claims_options: demands on claims, on top of the default checks.
        :param claims_cls: class with ``validate`` for further checks.
        :param leeway: seconds by which clocks may differ.
        :returns: the claims, or ``None`` if there is no ID token.
        :raises IDTokenError: for the first check that fails.
        """
        if "id_token" not in token:
            return None
        self.load_server_metadata()
        return self.verify_login(
            token,
            {} if nonce is None else {"nonce": nonce},
            trusted=False,
            claims_options=claims_options,
            claims_cls=claims_cls,
            leeway=leeway,
        )

    def verify_login(
        self,
        token: Mapping[str, Any],
        pending: Mapping[str, Any],
        *,
        code: str | None = None,
        state: str | None = None,
        trusted: bool,
        claims_options: Mapping[str, Any] | None = None,
        claims_cls: Any = None,
        leeway: float | None = None,
    ) -> UserInfo:
        """Verify the ID token of a login against what was kept of its beginning."""
        leeway = self._leeway(leeway)
        expected = self._expected(token, pending, code, state, leeway)
        content = self.server.verify(token["id_token"], expected, trusted=trusted)
        check_claims_options(content.claims, claims_options or {})
        if claims_cls is None:
            return UserInfo(content.claims)
        params = {"nonce": expected.nonce, "client_id": self.client_id}
        params |= {"access_token": expected.access_token} if expected.access_token else {}
        claims = claims_cls(content.claims, content.header, claims_options, params)
        claims.validate(leeway=leeway)
        return UserInfo(claims if isinstance(claims, Mapping) else content.claims)

    def _leeway(self, leeway: float | None) -> float:
        if leeway is not None:
            return leeway
        return LEEWAY if self._options.leeway is None else self._options.leeway

    def _expected(
        self,
        token: Mapping[str, Any],
        pending: Mapping[str, Any],
        code: str | None,
        state: str | None,
        leeway: float,
    ) -> Expected:
        acr = pending.get("acr") or {}
        oldest = self._options.id_token_max_age
        return Expected(
            client_id=str(self.client_id),
            issuer=self.server.issuer,
            algs=self.server.allowed_algs(),
            nonce=pending.get("nonce"),
            access_token=token.get("access_token"),
            code=code,
            state=state,
            max_age=seconds(pending.get("max_age")),
            acr_values=tuple(acr.get("values", ())),
            acr_essential=bool(acr.get("essential")),
            trusted_audiences=frozenset(self._options.trusted_audiences or ()),
            leeway=leeway,
            max_token_age=MAX_AGE_OF_TOKEN if oldest is None else oldest,
        )

    def _read_token(self, stored: Any) -> Any:
        token = super()._read_token(stored)
        if token is None:
            return None
        claims = token.get("userinfo")
        if isinstance(claims, dict) and not isinstance(claims, UserInfo):
            token["userinfo"] = UserInfo(claims)
        return token

    def _get_ready(self, token: OAuth2Token | None) -> None:
        super()._get_ready(token)
        if token is not None and token.get("id_token"):
            self.load_server_metadata()
            self.server.get_ready()

    def _check_refreshed(self, fresh: OAuth2Token, old: OAuth2Token) -> None:
        """An ID token that comes with a refresh is about the same login (Core 12.2)."""
        if fresh.get("id_token") in (None, old.get("id_token")):
            return
        first = _claims_of_login(old)
        if not self.server.can_verify:
            if self.server.is_discovered:
                # Not yet by this process: it is compared all the same, and not believed.
                _keep_former(fresh, old, first)
            return
        try:
            self.load_server_metadata()
            claims = self._verify_refreshed(fresh, first)
        except (TransportError, MetadataError, UnknownKeyError, *_OF_THE_CLOCK) as failure:
            # The keys are not to be had just now, or a clock is wrong. A refresh response needs no
            # ID token, and its refresh token must not be lost: the ID token that was verified
            # stays, and this one is not believed.
            _keep_former(fresh, old, first)
            _log.warning("client %r: refreshed ID token not used: %s", self.name, failure.error)
            return
        if isinstance(old.get("userinfo"), Mapping):
            fresh["userinfo"] = UserInfo({**old["userinfo"], **claims})

    def _verify_refreshed(self, fresh: OAuth2Token, first: Mapping[str, Any]) -> UserInfo:
        try:
            claims = self.verify_login(fresh, {}, trusted=True)
        except _OF_THE_CLOCK:
            # A clock that is wrong is no licence for whatever else may be wrong.
            anyhow = self.verify_login(fresh, {}, trusted=True, leeway=math.inf)
            check_same_login(anyhow, first)
            raise
        check_same_login(claims, first)
        return claims

    # -- userinfo -------------------------------------------------------------------------

    def userinfo(self, token: Any = None, **kwargs: Any) -> UserInfo:
        """Ask the userinfo endpoint about the user (Core 5.3).

        :param token: default is the stored token of the current user.
        :param kwargs: ``timeout``, ``verify``, ``cert``, ``proxies`` of this call.
        :raises MissingEndpointError: if there is no such endpoint.
        :raises UserInfoError: if the answer must not be used, above all if it is about another
            user than the ID token.
        """
        metadata = self.load_server_metadata()
        url = endpoint(metadata, "userinfo_endpoint")
        active, response = self._ask_userinfo(url, token, kwargs)
        return parse_userinfo(
            response,
            sub=_subject_of(active),
            openid="openid" in scope_to_list(self.client_kwargs.get("scope")),
            verify_jwt=self._verify_userinfo_jwt,
            signed=self._options.userinfo_signed_response_alg is not None,
        )

    def _ask_userinfo(
        self, url: str, token: Any, settings: Mapping[str, Any]
    ) -> tuple[OAuth2Token, Response]:
        """Ask, once more with another token if the first one is refused (RFC 6750 section 3.1)."""

        def ask(active: OAuth2Token) -> Response:
            insecure_http = self._options.insecure_http
            request = userinfo_request(url, active["access_token"], insecure_http=insecure_http)
            response: Response = self._send(request, **settings)
            return response

        found = self.find_token(token)
        active = self._active(found)
        response = ask(active)
        challenge = response.headers.get("www-authenticate", "")
        is_refused = response.status == 401 and "invalid_token" in challenge
        if is_refused and self._can_replace(active):
            active = self._replaced(found._replace(token=active))
            response = ask(active)
        return active, response

    def _verify_userinfo_jwt(self, jwt: str) -> Mapping[str, Any]:
        claims = self.server.verify_signed(jwt, self._options.userinfo_signed_response_alg)
        check_response_issuer(claims, self.server.issuer, str(self.client_id))
        return claims

    # -- logout ---------------------------------------------------------------------------

    def create_logout_url(
        self,
        post_logout_redirect_uri: str | None = None,
        id_token_hint: str | None = None,
        state: str | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Build the URL that ends the session at the provider (RP-Initiated Logout 1.0).

        :param post_logout_redirect_uri: where to come back to; it must be registered there.
        :param id_token_hint: the ID token of the login.
        :param state: default is a random one; it is sent only with a place to come back to.
        :param kwargs: ``client_id``, ``logout_hint``, ``ui_locales``.
        :returns: ``url`` and ``state``.
        :raises MissingEndpointError: if the provider has no such endpoint.
        """
        url = endpoint(self.load_server_metadata(), "end_session_endpoint")
        if post_logout_redirect_uri is not None and state is None:
            state = generate_token(_LOGOUT_STATE_LENGTH)
        return {
            "url": logout_url(
                url,
                id_token_hint=id_token_hint,
                post_logout_redirect_uri=post_logout_redirect_uri,
                state=state,
                **kwargs,
            ),
            "state": state,
        }

    def logout_redirect(
        self,
        post_logout_redirect_uri: str | None = None,
        id_token_hint: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Send the browser to the provider to end its session there.

        End the application's own session first: the browser need not come back.

        :returns: a 302 response.
        """
        request = self.create_logout_url(post_logout_redirect_uri, id_token_hint, **kwargs)
        if post_logout_redirect_uri is not None:
            self.framework.keep_login(
                request["state"], {"post_logout_redirect_uri": post_logout_redirect_uri}
            )
        return self.framework.redirect(request["url"])

    def validate_logout_response(self) -> dict[str, Any]:
        """Check that the browser comes back from a logout that this application started.

        :returns: what was kept, with ``post_logout_redirect_uri``.
        :raises CallbackError: if the state is absent, or not one of a logout of this browser.
        """
        response = parse_callback(self.framework.read_callback().params)
        if not response.state or "state" in response.repeated:
            raise CallbackError("missing_state", 'Missing "state" parameter')
        data: dict[str, Any] = self.framework.take_login(response.state)
        if "post_logout_redirect_uri" not in data:  # a login state is no logout state
            raise MismatchingStateError("mismatching_state", 'Invalid "state" parameter')
        return data

    def parse_logout_token(self, logout_token: str) -> LogoutToken:
        """Verify what a provider posts to end sessions (Back-Channel Logout 1.0 section 2.6).

        Anybody may post; keys that are not known lead to a bounded number of requests to the
        provider. The caller has to see to it that each ``jti`` works once.

        :param logout_token: the form field of that name.
        :returns: whose sessions end: those of ``sub``, of ``sid``, or of ``sid`` at ``sub``.
        :raises LogoutTokenError: for the first check that fails.
        :raises OAuthError: if the provider's metadata or keys cannot be had.
        """
        self.load_server_metadata()
        expected = self._expected({}, {}, None, None, self._leeway(None))
        return self.server.verify_logout_token(logout_token, expected)


def _claims_of_login(token: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is known of the ID token of the login, to compare with."""
    verified = token.get("userinfo")
    if isinstance(verified, Mapping) and "sub" in verified:
        return verified
    return claims_of(token.get("id_token") or None)


def _keep_former(fresh: OAuth2Token, old: OAuth2Token, first: Mapping[str, Any]) -> None:
    """Put the ID token of before in place of one that cannot be verified.

    :raises IDTokenError: if it does not even say that it is about the same login.
    """
    check_same_login(claims_of(fresh.pop("id_token")), first)
    if old.get("id_token") is not None:
        fresh["id_token"] = old["id_token"]


def _subject_of(token: Mapping[str, Any]) -> str | None:
    verified = token.get("userinfo")
    if isinstance(verified, Mapping):
        subject = verified.get("sub")
        return subject if isinstance(subject, str) else None
    try:
        return subject_of(token.get("id_token"))
    except IDTokenError:
        return None
