"""Programs without a user at npm ``oidc-provider``: who they say they are, and their tokens."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Any
from typing import TypeVar
from urllib.parse import parse_qs

import pytest
import requests
from joserfc.jwk import ECKey
from joserfc.jwk import OKPKey
from joserfc.jwk import RSAKey
from requests.auth import HTTPBasicAuth

from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import TokenRequestError
from flask_oauthclient.protocol.oauth2 import ClientSecretJWT
from flask_oauthclient.protocol.oauth2 import PrivateKeyJWT
from flask_oauthclient.protocol.random import generate_token
from flask_oauthclient.requests_client import AssertionSession
from flask_oauthclient.requests_client import OAuth2Auth
from flask_oauthclient.requests_client import OAuth2Session
from flask_oauthclient.testing.browser import ScriptedBrowser

from ..helpers.clock import Clock
from ..helpers.leaks import Watch
from ..servers.oidc_provider import OidcProvider
from ..servers.oidc_provider import Worker

S = TypeVar("S", OAuth2Session, AssertionSession)

BASIC, POST = "client_secret_basic", "client_secret_post"
SECRET_JWT, KEY_JWT = "client_secret_jwt", "private_key_jwt"
METHODS = [BASIC, POST, SECRET_JWT, KEY_JWT]
SYMMETRIC = ["HS256", "HS384", "HS512"]
ASYMMETRIC = ["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"]
#: All that RFC 6749 appendix A.2 lets a secret have; this provider keeps to it, and to no more.
DIFFICULT = "p: %+&=/?#\\\"'<>{}|~100%25%zz" + "-" * 32


@dataclass
class Program:
    """A client at the provider, and everything that its sessions sent."""

    provider: OidcProvider
    worker: Worker
    stack: ExitStack
    watch: Watch
    sent: list[requests.PreparedRequest] = field(default_factory=list[requests.PreparedRequest])

    @property
    def secret(self) -> str:
        """What it proves itself with."""
        return self.worker.private_key or self.worker.client_secret

    def session(self, **settings: Any) -> OAuth2Session:
        """A session that knows the provider's endpoints."""
        issuer = self.provider.issuer
        known = {
            "client_id": self.worker.client_id,
            "client_secret": self.secret,
            "token_endpoint_auth_method": self.worker.method,
            "token_endpoint": f"{issuer}/token",
            "revocation_endpoint": f"{issuer}/token/revocation",
            "introspection_endpoint": f"{issuer}/token/introspection",
            **settings,
        }
        return self._watched(OAuth2Session(**known))

    def assertion_session(self, **settings: Any) -> AssertionSession:
        """A session that gets its tokens for assertions."""
        endpoint = f"{self.provider.issuer}/service/token"
        known = {
            "issuer": self.worker.client_id,
            "subject": "alice",
            "scope": "openid email",
            "key": self.worker.private_key,
            "alg": self.worker.algorithm,
        }
        return self._watched(AssertionSession(endpoint, **{**known, **settings}))

    def _watched(self, session: S) -> S:
        session.hooks["response"].append(self._see)
        self.stack.enter_context(session)
        self.stack.callback(self._keep_secret, session)
        return session

    def _keep_secret(self, session: OAuth2Session | AssertionSession) -> None:
        token = session.token or {}
        self.watch.secret(*(v for k, v in token.items() if k in ("access_token", "refresh_token")))

    def _see(self, response: requests.Response, **kwargs: Any) -> None:
        self.sent.append(response.request)
        form = self.forms[-1]
        self.watch.secret(
            *(form[name] for name in ("assertion", "client_assertion") if name in form)
        )

    @property
    def forms(self) -> list[dict[str, str]]:
        """The forms that were sent."""
        bodies = [request.body or "" for request in self.sent]
        texts = [body.decode() if isinstance(body, bytes) else str(body) for body in bodies]
        return [{name: values[0] for name, values in parse_qs(text).items()} for text in texts]

    def claims(self, name: str = "client_assertion") -> list[dict[str, Any]]:
        """The claims of the assertions that were sent."""
        return [_part(form[name], 1) for form in self.forms if name in form]

    def headers(self, name: str = "client_assertion") -> list[dict[str, Any]]:
        """Their headers."""
        return [_part(form[name], 0) for form in self.forms if name in form]


def _part(jwt: str, index: int) -> dict[str, Any]:
    segment = jwt.split(".")[index]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return read


@pytest.fixture
def make_program(oidc_provider: OidcProvider, watch: Watch) -> Iterator[Callable[..., Program]]:
    """Registers a client; the keywords are those of ``add_worker``."""
    with ExitStack() as stack:

        def make(method: str = KEY_JWT, algorithm: str | None = None, **metadata: Any) -> Program:
            worker = oidc_provider.add_worker("robot", method, algorithm=algorithm, **metadata)
            if "client_secret" in metadata:
                worker = replace(worker, client_secret=metadata["client_secret"])
            watch.secret(*filter(None, [worker.client_secret, *_lines(worker.private_key)]))
            return Program(oidc_provider, worker, stack, watch)

        yield make


def _lines(pem: str) -> list[str]:
    return pem.splitlines()[1:-2]


def method_of(program: Program, **settings: Any) -> Any:
    """The method of the program as an object, with settings of its own."""
    kind = ClientSecretJWT if program.worker.method == SECRET_JWT else PrivateKeyJWT
    return kind(alg=program.worker.algorithm, **settings)


# -- a token of the client's own -----------------------------------------------------------------


@pytest.mark.parametrize("method", [BASIC, POST])
@pytest.mark.parametrize("secret", [None, DIFFICULT], ids=["usual", "difficult"])
def test_t24_secret_gets_a_token(
    make_program: Callable[..., Program], method: str, secret: str | None
) -> None:
    program = make_program(method, **({"client_secret": secret} if secret else {}))
    token = program.session().fetch_token()

    assert token["token_type"] == "Bearer"
    assert ("Authorization" in program.sent[0].headers) == (method == BASIC)
    assert ("client_secret" in program.forms[0]) == (method == POST)


@pytest.mark.parametrize("encoding", ["form", "raw"])
def test_raw_credentials_are_wrong_for_a_server_that_decodes(
    make_program: Callable[..., Program], encoding: str
) -> None:
    program = make_program(BASIC, client_secret="100%25 and more" + "-" * 32)
    session = program.session(basic_encoding=encoding)

    if encoding == "form":
        assert session.fetch_token()["access_token"]
    else:
        with pytest.raises(TokenRequestError) as caught:
            session.fetch_token()
        assert caught.value.error == "invalid_client"


@pytest.mark.parametrize(
    ("auth", "encoding"),
    [
        (("robot", "100%25 and more" + "-" * 32), "form"),
        (("robot", "100%2525+and+more" + "-" * 32), "raw"),
        (HTTPBasicAuth("robot", "100%2525+and+more" + "-" * 32), "form"),
    ],
    ids=["pair", "raw-pair", "requests"],
)
def test_call_brings_its_own_credentials(
    make_program: Callable[..., Program], auth: Any, encoding: str
) -> None:
    program = make_program(BASIC, client_secret="100%25 and more" + "-" * 32)
    session = program.session(client_secret="another", basic_encoding=encoding)

    assert session.fetch_token(auth=auth)["access_token"]
    assert session.introspect_token(auth=auth).json()["active"] is True
    assert session.revoke_token(auth=auth).status_code == 200
    assert session.introspect_token(auth=auth).json() == {"active": False}


@pytest.mark.parametrize(
    ("method", "algorithm"),
    [*((SECRET_JWT, alg) for alg in SYMMETRIC), *((KEY_JWT, alg) for alg in ASYMMETRIC)],
)
@pytest.mark.parametrize("audience", ["issuer", "endpoint"])
def test_t25_signed_assertion_gets_a_token(
    make_program: Callable[..., Program], method: str, algorithm: str, audience: str
) -> None:
    program = make_program(method, algorithm)
    issuer = program.provider.issuer
    known = {"issuer": issuer} if audience == "issuer" else {}
    session = program.session(token_endpoint_auth_method=method_of(program), **known)

    assert session.fetch_token()["access_token"]
    [claims], [header] = program.claims(), program.headers()
    assert header["alg"] == algorithm
    assert claims["aud"] == (issuer if audience == "issuer" else f"{issuer}/token")
    assert claims["iss"] == claims["sub"] == "robot"
    assert 0 < claims["exp"] - claims["iat"] <= 60
    assert "Authorization" not in program.sent[0].headers
    assert not {"client_id", "client_secret"} & program.forms[0].keys()


@pytest.mark.parametrize(
    ("method", "algorithm"),
    [(SECRET_JWT, "HS256"), *((KEY_JWT, alg) for alg in ("RS256", "ES256", "ES512", "EdDSA"))],
)
def test_name_of_the_method_is_enough_for_the_usual_algorithm(
    make_program: Callable[..., Program], method: str, algorithm: str
) -> None:
    program = make_program(method, algorithm)
    assert program.session().fetch_token()["access_token"]
    assert program.headers()[0]["alg"] == algorithm


def test_key_without_a_method_signs(make_program: Callable[..., Program]) -> None:
    program = make_program(KEY_JWT, "ES256")
    session = program.session(token_endpoint_auth_method=None)
    assert session.fetch_token()["access_token"]
    assert session.revoke_token().status_code == 200
    assert len(program.claims()) == 2


def _key_object(worker: Worker) -> RSAKey | ECKey | OKPKey:
    algorithm, pem = worker.algorithm or "", worker.private_key
    if algorithm == "EdDSA":
        return OKPKey.import_key(pem)
    return ECKey.import_key(pem) if algorithm.startswith("ES") else RSAKey.import_key(pem)


KEY_FORMS: dict[str, Callable[[Worker], Any]] = {
    "pem": lambda worker: worker.private_key,
    "bytes": lambda worker: worker.private_key.encode(),
    "jwk": lambda worker: _key_object(worker).as_dict(private=True),
    "json": lambda worker: json.dumps(_key_object(worker).as_dict(private=True)),
    "joserfc": _key_object,
    "cryptography": lambda worker: _key_object(worker).raw_value,
}


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
@pytest.mark.parametrize("form", KEY_FORMS)
@pytest.mark.parametrize("place", ["secret", "method"])
def test_key_in_every_form(
    make_program: Callable[..., Program], algorithm: str, form: str, place: str
) -> None:
    program = make_program(KEY_JWT, algorithm)
    key = KEY_FORMS[form](program.worker)
    settings = (
        {"client_secret": key, "token_endpoint_auth_method": method_of(program)}
        if place == "secret"
        else {"client_secret": None, "token_endpoint_auth_method": method_of(program, key=key)}
    )
    session = program.session(issuer=program.provider.issuer, **settings)

    assert session.fetch_token()["access_token"]
    assert session.introspect_token().json()["active"] is True
    assert session.revoke_token().status_code == 200
    assert session.introspect_token().json() == {"active": False}


# -- what the server refuses ---------------------------------------------------------------------


def _wrong_audience(program: Program) -> dict[str, Any]:
    return {"token_endpoint_auth_method": method_of(program, audience="https://elsewhere.example")}


def _other_issuer(program: Program) -> dict[str, Any]:
    return {"issuer": "https://elsewhere.example"}


def _wrong_key(program: Program) -> dict[str, Any]:
    other = program.provider.add_worker("other", program.worker.method)
    program.watch.secret(*filter(None, [other.client_secret, *_lines(other.private_key)]))
    return {"client_secret": other.private_key or other.client_secret}


def _wrong_client(program: Program) -> dict[str, Any]:
    return {"client_id": "nobody"}


def _no_claim(program: Program) -> dict[str, Any]:
    return {"token_endpoint_auth_method": method_of(program, claims={"jti": ""})}


@pytest.mark.parametrize("method", [SECRET_JWT, KEY_JWT])
@pytest.mark.parametrize(
    "wrong", [_wrong_audience, _other_issuer, _wrong_key, _wrong_client, _no_claim]
)
def test_wrong_assertion_is_refused(
    make_program: Callable[..., Program], method: str, wrong: Callable[[Program], dict[str, Any]]
) -> None:
    program = make_program(method)
    session = program.session(**wrong(program))

    with pytest.raises(TokenRequestError) as caught:
        session.fetch_token()
    _check_refusal(caught.value, program)


@pytest.mark.parametrize("method", [SECRET_JWT, KEY_JWT])
def test_expired_assertion_is_refused(
    make_program: Callable[..., Program], method: str, clock: Clock
) -> None:
    program = make_program(method)
    session = program.session(token_endpoint_auth_method=method_of(program, lifetime=30))
    assert session.fetch_token()["access_token"]

    clock.advance(-120)  # a machine whose clock is late
    with pytest.raises(TokenRequestError) as caught:
        session.fetch_token()
    _check_refusal(caught.value, program)
    clock.advance(120)
    assert session.fetch_token()["access_token"]


@pytest.mark.parametrize("method", METHODS)
def test_t21_client_that_is_not_known_is_refused(
    make_program: Callable[..., Program], method: str
) -> None:
    program = make_program(method)
    session = program.session(client_id="somebody-else")

    with pytest.raises(TokenRequestError) as caught:
        session.fetch_token()
    _check_refusal(caught.value, program)


def _check_refusal(error: OAuthError, program: Program) -> None:
    assert error.error == "invalid_client"
    assert error.detail["status"] == 401
    shown = f"{error} {error!r} {error.args} {error.detail}"
    for secret in (program.secret, *_lines(program.worker.private_key)):
        assert secret not in shown
    for form in program.forms:
        assert form.get("client_assertion", "-") not in shown.split()


@pytest.mark.parametrize("method", [SECRET_JWT, KEY_JWT])
def test_t25_assertion_is_sent_once(make_program: Callable[..., Program], method: str) -> None:
    program = make_program(method)
    session = program.session(issuer=program.provider.issuer)
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(session.fetch_token) for _ in range(12)]:
            done.result()
    token = session.token["access_token"]
    session.introspect_token(token=token)
    session.revoke_token(token=token)

    used = [claims["jti"] for claims in program.claims()]
    assert len(used) == len(set(used)) == 14
    assert len([path for path in program.provider.paths() if path.startswith("/token")]) == 14
    # The provider would have noticed: what comes again is refused.
    again = program.forms[0]
    answer = requests.post(f"{program.provider.issuer}/token", data=again, timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("method", [SECRET_JWT, KEY_JWT])
def test_t26_assertion_for_another_server_is_not_valid_here(
    make_program: Callable[..., Program], method: str
) -> None:
    # A server whose metadata name this one's token endpoint as its own.
    program = make_program(method)
    session = program.session(issuer="https://hostile.example")

    with pytest.raises(TokenRequestError) as caught:
        session.fetch_token()
    assert caught.value.error == "invalid_client"
    assert program.claims()[0]["aud"] == "https://hostile.example"


@pytest.mark.parametrize("method", METHODS)
def test_t29_one_method_in_each_request(make_program: Callable[..., Program], method: str) -> None:
    program = make_program(method)
    session = program.session()
    session.fetch_token()
    session.introspect_token()
    session.revoke_token()
    with pytest.raises(TokenRequestError):
        session.fetch_token(client_secret="another")  # which is then the one that is used
    if method != BASIC:
        with pytest.raises(InvalidSettingError):
            session.fetch_token(headers={"Authorization": "Basic YTpi"})

    assert len(program.sent) == 4
    for request, form in zip(program.sent, program.forms, strict=True):
        ways = ["Authorization" in request.headers, "client_secret" in form]
        assert [*ways, "client_assertion" in form].count(True) == 1


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_signed_or_sent_in_the_clear(
    make_program: Callable[..., Program], method: str
) -> None:
    session = make_program(method).session(token_endpoint="http://op.example/token")
    with pytest.raises(InsecureTransportError):
        session.fetch_token()


# -- what becomes of tokens ----------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_introspection_tells_until_revocation(
    make_program: Callable[..., Program], method: str
) -> None:
    # The method of the token endpoint is that of the two others, unless it is said otherwise.
    program = make_program(method, scope="jobs")
    session = program.session(scope="jobs")
    session.fetch_token()

    before = session.introspect_token(token_type_hint="access_token").json()
    assert (before["active"], before["client_id"], before["scope"]) == (True, "robot", "jobs")
    assert session.revoke_token(token_type_hint="access_token").status_code == 200
    assert session.introspect_token().json() == {"active": False}
    # RFC 7009 section 2.2: a token that is not known is none any more.
    assert session.revoke_token().status_code == 200


@pytest.mark.parametrize("method", METHODS)
def test_wrong_client_learns_nothing_of_a_token(
    make_program: Callable[..., Program], method: str
) -> None:
    program = make_program(method)
    token = program.session().fetch_token()
    stranger = program.session(client_id="somebody-else", token=token)

    for ask in (stranger.introspect_token, stranger.revoke_token):
        answer = ask()
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert program.session(token=token).introspect_token().json()["active"] is True


@pytest.mark.parametrize("method", METHODS)
def test_revoked_refresh_token_ends_the_grant(
    make_program: Callable[..., Program], method: str
) -> None:
    program = make_program(
        method,
        "ES256" if method == KEY_JWT else None,
        redirect_uris=["http://localhost/callback"],
        response_types=["code"],
        grant_types=["authorization_code", "refresh_token"],
    )
    session = program.session(redirect_uri="http://localhost/callback", scope="openid")
    token = _log_in(program, session)
    userinfo = f"{program.provider.issuer}/me"
    assert session.get(userinfo).json()["sub"] == "alice"
    first = session.refresh_token()
    assert first["refresh_token"] != token["refresh_token"]

    assert session.introspect_token().json()["sub"] == "alice"
    assert session.revoke_token().status_code == 200
    assert session.introspect_token().json() == {"active": False}
    with pytest.raises(TokenRequestError, match="invalid_grant"):
        session.refresh_token()
    assert session.get(userinfo, auth=OAuth2Auth(first)).status_code == 401
    jtis = [claims["jti"] for claims in program.claims()]
    assert len(jtis) == len(set(jtis)) == (6 if method.endswith("jwt") else 0)


def _log_in(program: Program, session: OAuth2Session) -> Any:
    """A user's login, by the provider's own pages."""
    verifier = generate_token(48)
    session.code_challenge_method = "S256"
    url, state = session.create_authorization_url(
        f"{program.provider.issuer}/auth", code_verifier=verifier
    )
    with ScriptedBrowser({}) as browser:
        page = browser.walk(
            url, {"login": "alice", "password": "any"}, ["Continue"], stop_before="http://localhost"
        )
    token = session.fetch_token(
        authorization_response=page.history[-1].url, state=state, code_verifier=verifier
    )
    program.watch.secret(verifier, token["access_token"], token["refresh_token"])
    return token


@pytest.mark.parametrize("method", METHODS)
def test_program_renews_its_token_by_itself(
    make_program: Callable[..., Program], method: str
) -> None:
    program = make_program(method, scope="jobs")
    told: list[str] = []
    session = program.session(
        scope="jobs", update_token=lambda token, access_token=None, **old: told.append(access_token)
    )
    first = session.fetch_token(grant_type="client_credentials")["access_token"]
    page = f"{program.provider.issuer}/.well-known/openid-configuration"
    assert session.get(page).status_code == 200
    session.token = {**session.token, "expires_at": 1}
    assert session.get(page).status_code == 200

    assert told == [first]
    assert program.provider.paths().count("/token") == 2
    assert program.forms[2]["scope"] == "jobs"


# -- assertions as grants ------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
@pytest.mark.parametrize("audience", ["endpoint", "issuer"])
def test_assertion_session_calls_an_api(
    make_program: Callable[..., Program], algorithm: str, audience: str
) -> None:
    program = make_program("none", algorithm)
    issuer = program.provider.issuer
    session = program.assertion_session(audience=issuer if audience == "issuer" else None)

    userinfo = session.get(f"{issuer}/me").json()
    assert (userinfo["sub"], userinfo["email"]) == ("alice", "alice@example.com")
    assert session.get(f"{issuer}/me").status_code == 200
    assert program.provider.paths().count("/service/token") == 1
    [claims], [header] = program.claims("assertion"), program.headers("assertion")
    assert header["alg"] == algorithm
    assert claims["aud"] == (issuer if audience == "issuer" else f"{issuer}/service/token")
    assert (claims["iss"], claims["sub"]) == ("robot", "alice")


@pytest.mark.parametrize("form", KEY_FORMS)
def test_assertion_session_takes_a_key_in_every_form(
    make_program: Callable[..., Program], form: str
) -> None:
    program = make_program("none", "ES256")
    session = program.assertion_session(key=KEY_FORMS[form](program.worker), alg=None)
    assert session.get(f"{program.provider.issuer}/me").json()["sub"] == "alice"


def test_assertion_session_renews_its_token(make_program: Callable[..., Program]) -> None:
    program = make_program("none", "ES256")
    told: list[str] = []
    session = program.assertion_session(
        update_token=lambda token, access_token=None, **old: told.append(access_token)
    )
    userinfo = f"{program.provider.issuer}/me"
    session.get(userinfo)
    first = session.token["access_token"]
    session.token = {**session.token, "expires_at": 1}
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(session.get, [userinfo] * 8))

    assert {answer.json()["sub"] for answer in answers} == {"alice"}
    assert program.provider.paths().count("/service/token") == 2
    assert told == [first]
    one, other = program.claims("assertion")
    assert one["jti"] != other["jti"]


def test_assertion_session_replaces_a_token_that_was_revoked(
    make_program: Callable[..., Program],
) -> None:
    program = make_program("none", "ES256")
    session = program.assertion_session()
    userinfo = f"{program.provider.issuer}/me"
    session.get(userinfo)
    first = session.token["access_token"]
    owner = program.session(client_secret=None)
    assert owner.revoke_token(token=first).status_code == 200

    assert session.get(userinfo).json()["sub"] == "alice"
    assert session.token["access_token"] != first
    assert program.provider.paths().count("/service/token") == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"audience": "https://elsewhere.example"},
        {"expires_at": 1_000_000_000},
        {"issuer": "other"},
        {"subject": None},
    ],
    ids=lambda wrong: "".join(wrong),
)
def test_wrong_assertion_grants_nothing(
    make_program: Callable[..., Program], wrong: dict[str, Any]
) -> None:
    program = make_program("none", "ES256")
    program.provider.add_worker("other", "none", algorithm="ES256")
    session = program.assertion_session(**wrong)

    with pytest.raises(TokenRequestError) as caught:
        session.get(f"{program.provider.issuer}/me")
    assert caught.value.error == "invalid_grant"
    assert "/me" not in program.provider.paths()
    shown = f"{caught.value} {caught.value!r} {caught.value.detail}"
    assert program.forms[0]["assertion"] not in shown


def test_finished_assertion_is_good_for_one_token(make_program: Callable[..., Program]) -> None:
    program = make_program("none", "ES256")
    made = str(program.assertion_session().make_assertion())
    session = program.assertion_session(assertion=made, key=None)
    assert session.get(f"{program.provider.issuer}/me").status_code == 200

    with pytest.raises(TokenRequestError) as caught:
        session.refresh_token()
    assert caught.value.error == "invalid_grant"


@pytest.mark.parametrize("method", [BASIC, KEY_JWT])
def test_oauth2_session_trades_an_assertion_too(
    make_program: Callable[..., Program], method: str
) -> None:
    # Here the client authenticates beside the assertion (RFC 7523 section 3.1).
    program = make_program(method, "ES256")
    issuer = program.provider.issuer
    signer = program.assertion_session(audience=issuer)
    session = program.session(
        client_secret=program.worker.client_secret or program.worker.private_key, issuer=issuer
    )
    token = session.fetch_token(
        grant_type=AssertionSession.JWT_BEARER_GRANT_TYPE,
        assertion=signer.make_assertion(),
        scope="openid",
    )

    assert token["scope"] == "openid"
    assert session.get(f"{issuer}/me").json() == {"sub": "alice"}
