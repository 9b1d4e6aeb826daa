"""The token endpoint: its grants, and the tokens that come of them."""

from __future__ import annotations

import hashlib
import hmac
import re
import typing as t

from . import jws
from .answer import Answer
from .answer import json_answer
from .assertions import JWT_BEARER
from .assertions import Assertions
from .assertions import BadAssertion
from .call import Call
from .client_auth import ClientAuthentication
from .client_auth import names_client
from .clients import ClientRecord
from .errors import Refusal
from .grants import Code
from .grants import Grant
from .grants import IssuedToken
from .jws_verification import SignedToken
from .personas import Persona
from .token_fault import TokenDraft

if t.TYPE_CHECKING:
    from .provider import DevelopmentProvider

_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
#: What the endpoint offers.
GRANT_TYPES = (
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "password",
    JWT_BEARER,
)
_NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))


class TokenEndpoint:
    """Answers token requests (RFC 6749 3.2).

    :param provider: The provider.
    :param clients: Authenticates the callers.
    :param assertions: Verifies what stands for a grant (RFC 7523 2.1).
    """

    def __init__(
        self,
        provider: DevelopmentProvider,
        clients: ClientAuthentication,
        assertions: Assertions,
    ) -> None:
        self._provider = provider
        self._clients = clients
        self._assertions = assertions
        self._grants = {
            "authorization_code": self._authorization_code,
            "refresh_token": self._refresh_token,
            "client_credentials": self._client_credentials,
            "password": self._password,
            JWT_BEARER: self._jwt_bearer,
        }

    def __call__(self, call: Call) -> Answer:
        self._clients.read_form(call)
        client = self._client(call)
        grant = self._grants.get(_required(call, "grant_type"))
        if grant is None:
            raise Refusal("unsupported_grant_type", "This grant type is not offered.")
        return json_answer(grant(call, client), headers=_NO_STORE)

    def _client(self, call: Call) -> ClientRecord:
        # RFC 7523 3.1: who brings an assertion need not authenticate besides.
        if call.form.get("grant_type") == JWT_BEARER and not names_client(call):
            return self._signer(self._read_assertion(call))
        return self._clients.authenticate(call)

    def _authorization_code(self, call: Call, client: ClientRecord) -> dict[str, t.Any]:
        code = self._provider.grants.redeem_code(_required(call, "code"), client.client_id)
        _check_redirect_uri(code, call)
        _check_code_verifier(code, call)
        issued = self._tokens(call, client, code.grant, code.grant.scopes, code.nonce)
        if self._wants_refresh_token(code.grant):
            issued["refresh_token"] = self._new_refresh_token(code.grant)
        return issued

    def _refresh_token(self, call: Call, client: ClientRecord) -> dict[str, t.Any]:
        rotate = self._provider.rotate_refresh_tokens
        name = _required(call, "refresh_token")
        token = self._provider.grants.redeem_refresh(name, client.client_id, keep=not rotate)
        scopes = _narrowed(call.form.get("scope"), token.scopes)
        # OpenID Connect Core 12.2: a refreshed ID token should not have a nonce.
        issued = self._tokens(call, client, token.grant, scopes, nonce=None)
        if rotate:
            issued["refresh_token"] = self._new_refresh_token(token.grant)
        return issued

    def _client_credentials(self, call: Call, client: ClientRecord) -> dict[str, t.Any]:
        if client.is_public:
            raise Refusal("unauthorized_client", "A public client has no access of its own.")
        scopes = _narrowed(call.form.get("scope"), self._offered_to(client.client_id))
        now = int(self._provider.clock())
        grant = Grant(client.client_id, client.client_id, scopes, now)
        return self._access_token(grant, scopes)

    def _offered_to(self, sub: str) -> tuple[str, ...]:
        # A client that acts for itself is nobody whom claims could be about.
        is_person = sub in self._provider.personas
        offered = self._provider.scopes_supported
        return tuple(scope for scope in offered if is_person or scope not in _USER_SCOPES)

    def _password(self, call: Call, client: ClientRecord) -> dict[str, t.Any]:
        username, password = _required(call, "username"), _required(call, "password")
        persona = self._persona(username)
        if persona is None or not persona.accepts(password):
            raise Refusal("invalid_grant", "The username or the password is wrong.")
        scopes = _narrowed(call.form.get("scope"), self._provider.scopes_supported)
        grant = Grant(client.client_id, persona.sub, scopes, int(self._provider.clock()))
        issued = self._tokens(call, client, grant, scopes, nonce=None)
        if self._wants_refresh_token(grant):
            issued["refresh_token"] = self._new_refresh_token(grant)
        return issued

    def _persona(self, name: str) -> Persona | None:
        return next((p for p in self._provider.personas.values() if p.answers_to(name)), None)

    def _jwt_bearer(self, call: Call, client: ClientRecord) -> dict[str, t.Any]:
        token = self._read_assertion(call)
        try:
            endpoint = self._provider.base_url + call.path
            self._assertions.verify(token, self._signer(token), endpoint)
        except BadAssertion as error:
            raise Refusal("invalid_grant", str(error)) from None
        sub = str(token.claims.get("sub", ""))
        if sub != token.claims["iss"] and sub not in self._provider.personas:
            raise Refusal("invalid_grant", "The assertion's sub is nobody here.")
        # Service accounts of some providers ask by a claim, where RFC 7521 4.1 has a parameter.
        claim = token.claims.get("scope")
        requested = call.form.get("scope") or (claim if isinstance(claim, str) else None)
        scopes = _narrowed(requested, self._offered_to(sub))
        grant = Grant(client.client_id, sub, scopes, int(self._provider.clock()))
        # RFC 7521 4.1: no refresh token, as a new assertion does the same.
        return self._access_token(grant, scopes)

    def _read_assertion(self, call: Call) -> SignedToken:
        try:
            return self._assertions.read(_required(call, "assertion"))
        except BadAssertion as error:
            raise Refusal("invalid_grant", str(error)) from None

    def _signer(self, token: SignedToken) -> ClientRecord:
        signer = self._provider.clients.get(str(token.claims.get("iss", "")))
        if signer is None:
            raise Refusal("invalid_grant", "The assertion's iss is nobody here.")
        return signer

    def _tokens(
        self,
        call: Call,
        client: ClientRecord,
        grant: Grant,
        scopes: tuple[str, ...],
        nonce: str | None,
    ) -> dict[str, t.Any]:
        issued = self._access_token(grant, scopes)
        if "openid" in scopes:
            token = issued["access_token"]
            issued["id_token"] = self._id_token(call, client, grant, scopes, nonce, token)
        return issued

    def _access_token(self, grant: Grant, scopes: tuple[str, ...]) -> dict[str, t.Any]:
        provider = self._provider
        lifetime = provider.access_token_lifetime
        token = provider.grants.add_access(IssuedToken(grant, scopes, provider.clock() + lifetime))
        provider.secrets.add(token)
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": lifetime,
            "scope": " ".join(scopes),
        }

    def _wants_refresh_token(self, grant: Grant) -> bool:
        return self._provider.always_refresh_token or "offline_access" in grant.scopes

    def _new_refresh_token(self, grant: Grant) -> str:
        provider = self._provider
        expires_at = provider.clock() + provider.refresh_token_lifetime
        token = provider.grants.add_refresh(IssuedToken(grant, grant.scopes, expires_at))
        provider.secrets.add(token)
        return token

    def _id_token(
        self,
        call: Call,
        client: ClientRecord,
        grant: Grant,
        scopes: tuple[str, ...],
        nonce: str | None,
        access_token: str,
    ) -> str:
        provider = self._provider
        alg = client.id_token_signed_response_alg or provider.signing_alg
        claims = self._id_token_claims(client, grant, scopes)
        claims["at_hash"] = jws.half_hash(alg, access_token)
        if nonce is not None:
            claims["nonce"] = nonce
        draft = provider.faults.run("id_token", call, lambda: self._draft(client, alg, claims))
        token = draft.compact()
        provider.sessions.remember_id_token(token, grant)
        provider.secrets.add(token)
        return token

    def _draft(self, client: ClientRecord, alg: str, claims: dict[str, t.Any]) -> TokenDraft:
        if alg.startswith("HS"):
            # OpenID Connect Core 10.1: the client secret is the key, and there is no kid.
            secret = client.client_secret or ""
            header = {"alg": alg, "typ": "JWT"}
            return TokenDraft(header, claims, lambda data: jws.sign(alg, secret, data))
        key = self._provider.keys.signing_key(alg)
        return TokenDraft({"alg": alg, "typ": "JWT", "kid": key.kid}, claims, key.sign)

    def _id_token_claims(
        self, client: ClientRecord, grant: Grant, scopes: tuple[str, ...]
    ) -> dict[str, t.Any]:
        provider = self._provider
        now = int(provider.clock())
        persona = provider.personas[grant.sub]
        claims = {
            "iss": provider.issuer,
            "aud": client.client_id,
            "azp": client.client_id,
            "exp": now + provider.id_token_lifetime,
            "iat": now,
            "auth_time": grant.auth_time,
            "acr": grant.acr,
            # RFC 8176: somebody was there; no password or key was asked for.
            "amr": ["user"],
            "sid": grant.sid,
        }
        return {**persona.claims_for(scopes if provider.claims_in_id_token else ()), **claims}


_USER_SCOPES = ("openid", "profile", "email", "address", "phone", "offline_access")


def _required(call: Call, name: str) -> str:
    value = call.form.get(name)
    if value is None:
        raise Refusal("invalid_request", f"The parameter {name!r} is missing.")
    return value


def _narrowed(requested: str | None, granted: tuple[str, ...]) -> tuple[str, ...]:
    # RFC 6749 6: a refresh may ask for less, never for more.
    if requested is None:
        return granted
    scopes = tuple(dict.fromkeys(requested.split()))
    if not set(scopes) <= set(granted):
        raise Refusal("invalid_scope", "The scope goes beyond what was granted.")
    return scopes


def _check_redirect_uri(code: Code, call: Call) -> None:
    sent = call.form.get("redirect_uri")
    if sent is None and not code.redirect_uri_given:
        return
    if sent != code.redirect_uri:
        raise Refusal("invalid_grant", "The redirect_uri is not that of the authorization.")


def _check_code_verifier(code: Code, call: Call) -> None:
    verifier = call.form.get("code_verifier")
    if code.code_challenge is None:
        # RFC 9700 2.1.1: otherwise a downgrade by an attacker goes unnoticed.
        if verifier is not None:
            raise Refusal("invalid_grant", "A code_verifier without a code_challenge before it.")
        return
    if verifier is None or not _VERIFIER.fullmatch(verifier):
        raise Refusal("invalid_grant", "The code_verifier is missing or malformed.")
    computed = jws.b64url(hashlib.sha256(verifier.encode("ascii")).digest())
    if not hmac.compare_digest(computed, code.code_challenge):
        raise Refusal("invalid_grant", "The code_verifier does not fit the code_challenge.")
