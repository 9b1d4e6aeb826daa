"""Sessions for service accounts by signed assertions (RFC 7521, RFC 7522, RFC 7523)."""

from __future__ import annotations

import base64
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from typing import ClassVar

import pytest
from joserfc.jwk import ECKey

from flask_oauthclient.protocol.errors import ConfigurationError
from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import MissingTokenError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import TokenRequestError
from flask_oauthclient.protocol.errors import TransportError
from flask_oauthclient.protocol.errors import UnknownOptionError
from flask_oauthclient.protocol.oauth2.assertion import sign_jwt_bearer_assertion
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.helpers.clock import Clock
from tests.helpers.leaks import Watch
from tests.protocol._assertions import SECRET
from tests.protocol._assertions import jwk
from tests.protocol._assertions import pem
from tests.protocol._assertions import private_key
from tests.protocol._assertions import read
from tests.protocol._keys import public_parameters
from tests.sessions._answers import API_URL
from tests.sessions._answers import TOKEN_URL
from tests.sessions._answers import Answer
from tests.sessions._answers import Answers
from tests.sessions._answers import form_of
from tests.sessions._answers import token
from tests.sessions._edges import Edge
from tests.sessions._edges import current
from tests.sessions._edges import token_auth

ISSUER = "service@project.test"
REFUSED = Answer({}, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
SAML = '<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">ä</saml:Assertion>'


class Server:
    """A token endpoint and an API in one."""

    def __init__(self, **fields: Any) -> None:
        self.fields = {"expires_in": 3600, **fields}
        self.count = 0
        self.revoked: set[str] = set()
        self.problem: Answer | None = None
        self.answers = Answers(self.answer)

    def answer(self, request: Any) -> Answer:
        if request.url == TOKEN_URL:
            self.count += 1
            return self.problem or Answer(token(f"number-{self.count}", **self.fields))
        bearer = str(request.headers.get("Authorization")).removeprefix("Bearer ")
        return REFUSED if bearer in self.revoked else Answer({"ok": bearer})

    def session(self, *args: Any, **kwargs: Any) -> Any:
        settings = {"key": SECRET, "alg": "HS256", **kwargs}
        made = args or (TOKEN_URL, ISSUER, "alice")
        return current().session(self.answers, current().Assertion, *made, **settings)

    @property
    def token_forms(self) -> list[dict[str, Any]]:
        return [form_of(request) for request in self.answers.sent if request.url == TOKEN_URL]

    @property
    def assertions(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Headers and claims of what was sent, whose signatures are good."""
        return [read(form["assertion"], SECRET) for form in self.token_forms]


@pytest.fixture
def server(watch: Watch) -> Server:
    """A server whose clients have a secret that nobody may see."""
    watch.secret(SECRET)
    return Server()


# -- the contract, line by line --------------------------------------------------------------------


def test_the_names_of_the_grants(edge: Edge) -> None:
    jwt = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert jwt == edge.Assertion.JWT_BEARER_GRANT_TYPE
    assert edge.Assertion.SAML2_BEARER_GRANT_TYPE.endswith(":saml2-bearer")
    assert edge.Assertion.ASSERTION_METHODS[jwt] is sign_jwt_bearer_assertion
    assert edge.Assertion.oauth_error_class is OAuthError


def test_a_token_is_fetched_before_the_first_request(server: Server) -> None:
    session = server.session(
        TOKEN_URL, ISSUER, "alice", claims={"own": 1}, scope=["a", "b"], client_id="the-client"
    )
    assert session.token is None
    assert session.get(API_URL).json() == {"ok": "access-token-number-1"}
    assert session.get(API_URL).json() == {"ok": "access-token-number-1"}
    [form] = server.token_forms
    assert form.keys() == {"assertion", "grant_type", "scope", "client_id"}
    assert form["grant_type"] == session.JWT_BEARER_GRANT_TYPE
    assert (form["scope"], form["client_id"]) == ("a b", "the-client")
    request = server.answers.sent[0]
    assert request.method == "POST"
    assert "Authorization" not in request.headers
    [(header, claims)] = server.assertions
    assert header == {"alg": "HS256", "typ": "JWT"}
    assert claims["iss"] == ISSUER
    assert claims["sub"] == "alice"
    assert claims["own"] == 1
    assert claims["exp"] - claims["iat"] == 3600
    assert abs(claims["iat"] - time.time()) < 10


def test_the_audience_is_the_token_endpoint_unless_another_is_given(server: Server) -> None:
    server.session().get(API_URL)
    server.session(audience="https://op.test").get(API_URL)
    server.session(TOKEN_URL, ISSUER, "alice", "https://third.test").get(API_URL)
    assert [claims["aud"] for _, claims in server.assertions] == [
        TOKEN_URL,
        "https://op.test",
        "https://third.test",
    ]


def test_the_keywords_of_the_signer(server: Server) -> None:
    server.session(header={"kid": "key-1"}, issued_at=1000, expires_at=2000).get(API_URL)
    server.session(issued_at=1000, expires_in=60).get(API_URL)
    server.session(alg=None, header={"alg": "HS512"}).get(API_URL)
    headers, claims = zip(*server.assertions, strict=True)
    assert headers[0] == {"alg": "HS256", "typ": "JWT", "kid": "key-1"}
    assert (claims[0]["iat"], claims[0]["exp"]) == (1000, 2000)
    assert (claims[1]["iat"], claims[1]["exp"]) == (1000, 1060)
    assert headers[2]["alg"] == "HS512"


def test_the_subject_may_be_left_out(server: Server) -> None:
    server.session(TOKEN_URL, ISSUER).get(API_URL)
    assert "sub" not in server.assertions[0][1]


def test_every_assertion_has_a_fresh_jti_and_the_claims_of_the_caller_stay(
    server: Server, clock: Clock
) -> None:
    mine: dict[str, Any] = {"own": ["a"]}
    session = server.session(claims=mine)
    for _ in range(5):
        session.get(API_URL)
        clock.advance(3600)
    jtis = [claims["jti"] for _, claims in server.assertions]
    assert len(set(jtis)) == len(jtis) == 5
    assert all(len(jti) >= 30 for jti in jtis)
    assert mine == {"own": ["a"]}


def test_a_jti_of_the_caller_is_used_as_it_is(server: Server) -> None:
    server.session(claims={"jti": "mine"}).get(API_URL)
    assert server.assertions[0][1]["jti"] == "mine"


KEYS = {
    "rsa-pem": lambda: (pem(private_key("RSA")), "RS256", private_key("RSA")),
    "rsa-bytes": lambda: (pem(private_key("RSA")).encode(), "RS256", private_key("RSA")),
    "rsa-object": lambda: (private_key("RSA"), "RS256", private_key("RSA")),
    "ec-pem": lambda: (pem(private_key("P-256")), "ES256", private_key("P-256")),
    "ec-jwk": lambda: (jwk(private_key("P-384")), "ES384", private_key("P-384")),
    "ec-joserfc": lambda: (
        ECKey.import_key(pem(private_key("P-256"))),
        "ES256",
        private_key("P-256"),
    ),
    "ed25519": lambda: (pem(private_key("Ed25519")), "EdDSA", private_key("Ed25519")),
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_may_have_every_form(kind: str, server: Server) -> None:
    key, alg, private = KEYS[kind]()
    session = server.session(key=key, alg=None)
    assert session.get(API_URL).status_code == 200
    header, claims = read(server.token_forms[0]["assertion"], private)
    assert header["alg"] == alg
    assert claims["iss"] == ISSUER
    assert session.get(API_URL).status_code == 200
    other = server.session(key=key, alg=alg)
    assert other.get(API_URL).status_code == 200


def test_a_secret_without_an_algorithm_is_a_value_error(server: Server) -> None:
    session = server.session(alg=None)
    with pytest.raises(ValueError, match="alg") as caught:
        session.get(API_URL)
    assert isinstance(caught.value, OAuthError)
    assert SECRET not in f"{caught.value!r} {vars(caught.value)}"
    assert server.answers.sent == []


@pytest.mark.parametrize(
    ("key", "alg"),
    [(None, None), ("", "HS256"), ("no key at all", "RS256"), (5, None), (SECRET, "none")],
)
def test_a_key_that_cannot_sign_is_an_error(key: Any, alg: Any, server: Server) -> None:
    with pytest.raises(InvalidSettingError):
        server.session(key=key, alg=alg).get(API_URL)
    assert server.answers.sent == []


@pytest.mark.parametrize("keyword", ["keys", "issuers", "verfy", "tokn"])
def test_an_unknown_keyword_is_a_type_error(keyword: str, edge: Edge) -> None:
    with pytest.raises(TypeError, match=keyword) as caught:
        edge.Assertion(TOKEN_URL, ISSUER, key=SECRET, alg="HS256", **{keyword: "x"})
    assert isinstance(caught.value, UnknownOptionError)


@pytest.mark.parametrize("missing", ["issuer", "audience"])
def test_an_assertion_needs_an_issuer_and_an_audience(missing: str, server: Server) -> None:
    session = server.session()
    setattr(session, missing, "")
    with pytest.raises(InvalidSettingError, match=missing):
        session.get(API_URL)


@pytest.mark.parametrize("placement", ["body", "uri"])
def test_the_token_may_go_elsewhere(placement: str, server: Server) -> None:
    with pytest.warns(UserWarning, match="token_placement"):
        session = server.session(token_placement=placement)
    session.post(API_URL)
    assert form_of(server.answers.sent[1]) == {"access_token": "access-token-number-1"}


# -- SAML ------------------------------------------------------------------------------------------


def _saml(server: Server, assertion: Any) -> dict[str, Any]:
    made = current().Assertion
    grant_type = made.SAML2_BEARER_GRANT_TYPE
    session = current().session(
        server.answers, made, TOKEN_URL, grant_type=grant_type, assertion=assertion, scope="a"
    )
    session.get(API_URL)
    form = server.token_forms[-1]
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:saml2-bearer"
    assert form["scope"] == "a"
    return form


def test_a_saml_assertion_is_encoded(server: Server) -> None:
    sent = _saml(server, SAML)["assertion"]
    assert "=" not in sent
    assert base64.urlsafe_b64decode(sent + "=" * (-len(sent) % 4)).decode() == SAML


def test_an_encoded_assertion_is_sent_as_it_is(server: Server) -> None:
    encoded = base64.urlsafe_b64encode(SAML.encode()).decode()
    assert _saml(server, encoded)["assertion"] == encoded


def test_a_callable_makes_an_assertion_each_time(server: Server, clock: Clock) -> None:
    made = iter(["assertion-1", "assertion-2", "assertion-3"])
    session = server.session(TOKEN_URL, ISSUER, assertion=lambda: next(made))
    session.get(API_URL)
    clock.advance(3600)
    session.get(API_URL)
    assert [form["assertion"] for form in server.token_forms] == ["assertion-1", "assertion-2"]


def test_a_grant_without_a_signer_needs_an_assertion(edge: Edge) -> None:
    with pytest.raises(ValueError, match="pass one"):
        edge.Assertion(TOKEN_URL, grant_type=edge.Assertion.SAML2_BEARER_GRANT_TYPE)


def test_a_signer_can_be_taught(server: Server, edge: Edge) -> None:
    class Own(edge.Assertion):  # type: ignore[name-defined,misc]
        ASSERTION_METHODS = {  # noqa: RUF012
            "urn:own": lambda key, issuer, **rest: (
                f"{issuer}-{rest['claims']['a']}-{rest['colour']}"
            )
        }

    session = edge.session(
        server.answers,
        Own,
        TOKEN_URL,
        "iss",
        grant_type="urn:own",
        claims={"a": 1},
        colour="red",
    )
    session.get(API_URL)
    assert server.token_forms == [{"grant_type": "urn:own", "assertion": "iss-1-red"}]


# -- renewal ---------------------------------------------------------------------------------------


def test_an_expired_token_leads_to_a_new_assertion(server: Server, clock: Clock) -> None:
    told: list[Any] = []
    session = server.session(
        update_token=lambda new, **old: told.append((new["access_token"], old))
    )
    session.get(API_URL)
    assert told == []
    clock.advance(3600 - 61)
    session.get(API_URL)
    assert server.count == 1
    clock.advance(2)
    assert session.get(API_URL).json() == {"ok": "access-token-number-2"}
    assert told == [("access-token-number-2", {"access_token": "access-token-number-1"})]


def test_a_stored_token_is_used(server: Server) -> None:
    session = server.session(token=token("stored", expires_in=600))
    assert session.get(API_URL).json() == {"ok": "access-token-stored"}
    assert server.count == 0
    session.token = {}
    assert session.get(API_URL).json() == {"ok": "access-token-number-1"}
    session.token = token("old", expires_at=0)
    assert session.get(API_URL).json() == {"ok": "access-token-number-2"}


def test_a_refused_token_leads_to_one_new_one(server: Server) -> None:
    session = server.session()
    server.revoked = {"access-token-number-1"}
    assert session.post(API_URL, json={"a": 1}).json() == {"ok": "access-token-number-2"}
    server.revoked = {"access-token-number-2", "access-token-number-3"}
    assert session.get(API_URL).status_code == 401
    assert server.count == 3


@pytest.mark.parametrize("start", ["no-token", "expired", "refused"])
def test_twenty_threads_make_one_assertion(start: str, server: Server) -> None:
    held = {"expired": token("old", expires_at=1), "refused": token("old", expires_in=600)}
    session = server.session(token=held.get(start))
    server.revoked = {"access-token-old"}
    barrier = threading.Barrier(20)

    def call(_: int) -> Any:
        barrier.wait(10)
        return session.get(API_URL).json()

    with ThreadPoolExecutor(20) as threads:
        assert list(threads.map(call, range(20))) == [{"ok": "access-token-number-1"}] * 20
    assert server.count == 1


def test_refresh_token_gets_another_one_at_once(server: Server) -> None:
    session = server.session()
    assert session.refresh_token()["access_token"] == "access-token-number-1"
    assert session.refresh_token() is session.token
    assert session.ensure_active_token() is True
    assert server.count == 2


def test_another_session_borrows_the_token(server: Server, clock: Clock, edge: Edge) -> None:
    session = server.session()
    with edge.foreign(server.answers) as foreign:
        assert foreign.get(API_URL, auth=session.token_auth).json() == {
            "ok": "access-token-number-1"
        }
        own = token_auth(None, client=session)
        clock.advance(3600)
        for auth in (session.token_auth, own, own):
            assert foreign.get(API_URL, auth=auth).json() == {"ok": "access-token-number-2"}
        with pytest.raises(MissingTokenError):
            foreign.get(API_URL, auth=token_auth(None))
    assert server.count == 2


def test_a_call_without_the_token_needs_none(server: Server) -> None:
    session = server.session()
    session.get(API_URL, withhold_token=True)
    session.get(API_URL, auth=("user", "password"))
    assert server.count == 0


# -- failures --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("problem", "kind", "code"),
    [
        (
            Answer({"error": "invalid_grant", "error_description": 'a "word" \u00e4\u2603'}, 400),
            TokenRequestError,
            "invalid_grant",
        ),
        (Answer({}, 503), TransportError, "provider_unavailable"),
        (Answer({}, 307, {"Location": "https://evil.test/"}), TransportError, "redirect_refused"),
        (Answer(text="<p>page</p>"), ValueError, "invalid_response"),
        (Answer({}), ValueError, "missing_access_token"),
    ],
)
def test_every_failure_is_an_oauth_error(
    problem: Answer, kind: type[Exception], code: str, server: Server
) -> None:
    server.problem = problem
    session = server.session()
    with pytest.raises(OAuthError) as caught:
        session.get(API_URL)
    assert isinstance(caught.value, kind)
    assert caught.value.error == code
    assert server.count == 1
    assert session.token is None
    server.problem = None
    assert session.get(API_URL).status_code == 200, "the next assertion is another one"
    assert len({claims["jti"] for _, claims in server.assertions}) == 2


def test_no_assertion_is_made_for_a_place_in_the_clear(server: Server) -> None:
    made: list[int] = []
    session = server.session("http://op.test/token", ISSUER, assertion=lambda: made.append(1))
    with pytest.raises(InsecureTransportError):
        session.get(API_URL)
    assert made == []


def test_the_hooks_of_the_session(server: Server) -> None:
    session = server.session()
    called: list[str] = []

    def noting(kind: str) -> Any:
        def hook(*given: Any) -> Any:
            called.append(kind)
            return given if len(given) > 1 else given[0]

        return hook

    for kind in ("access_token_request", "access_token_response", "protected_request"):
        session.register_compliance_hook(kind, noting(kind))
    session.get(API_URL)
    assert called == ["access_token_request", "access_token_response", "protected_request"]
    with pytest.raises(ConfigurationError):
        session.register_compliance_hook("refresh_token_request", noting("x"))


def test_no_representation_shows_a_secret(server: Server) -> None:
    session = server.session("https://op.test/token?secret=x", ISSUER, "alice")
    shown = f"{session!r} {session} {session.token_auth!r}"
    assert SECRET not in shown
    assert "secret=x" not in shown


# -- at a provider ---------------------------------------------------------------------------------


@pytest.fixture(params=["in-process", "over-http"])
def op(request: pytest.FixtureRequest, provider_keys: Any) -> Any:
    """A provider that knows a service account by its public key."""
    public = private_key("P-256").public_key()
    record = ClientRecord("service", jwks={"keys": [{**public_parameters(public), "kid": "key-1"}]})
    provider = DevelopmentProvider(keys=provider_keys, clients=[record])
    if request.param == "in-process":
        yield provider, provider.adapter()
    else:
        with provider.serve():
            yield provider, None


def _at(op: Any, **kwargs: Any) -> Any:
    provider, adapter = op
    key = {"key": pem(private_key("P-256")), "header": {"kid": "key-1"}, "scope": "api", **kwargs}
    edge = current()
    return edge.session(
        adapter, edge.Assertion, f"{provider.issuer}/token", "service", "alice", **key
    )


def test_a_service_account_at_a_provider(op: Any) -> None:
    provider, _ = op
    with _at(op) as session:
        me = f"{provider.issuer}/api/me"
        assert session.get(me).status_code == 200
        assert session.get(me).status_code == 200
        assert provider.log.count("token") == 1
        session.token = {**session.token, "expires_at": 1}
        assert session.get(me).status_code == 200
        session.token = {**session.token, "access_token": "a-token-that-was-revoked"}
        assert session.get(me).status_code == 200
        assert provider.log.count("token") == 3
        assert session.token["scope"] == "api"


@pytest.mark.parametrize("audience", ["issuer", "endpoint"])
def test_both_audiences_are_taken_by_a_provider(audience: str, op: Any) -> None:
    provider, _ = op
    given = {"audience": provider.issuer} if audience == "issuer" else {}
    with _at(op, **given) as session:
        assert session.get(f"{provider.issuer}/api/me").status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"audience": "https://evil.test"},
        {"issued_at": 1000, "expires_at": 2000},
        {"claims": {"iss": "somebody"}},
        {"key": "another"},
    ],
    ids=["audience", "expired", "issuer", "key"],
)
def test_a_provider_refuses_a_bad_assertion(wrong: dict[str, Any], op: Any) -> None:
    if "key" in wrong:
        wrong = {"key": pem(private_key("RSA")), "header": {}}
    with _at(op, **wrong) as session, pytest.raises(TokenRequestError, match="invalid_grant"):
        session.refresh_token()
    assert session.token is None


def test_a_provider_takes_a_jti_once(op: Any) -> None:
    with _at(op, claims={"jti": "used"}) as session:
        first = session.refresh_token()
        with pytest.raises(TokenRequestError, match="invalid_grant"):
            session.refresh_token()
        assert session.token is first


def test_subclass_has_a_grant_of_its_own(edge: Edge) -> None:
    class Exchange(edge.Assertion):  # type: ignore[name-defined,misc]
        DEFAULT_GRANT_TYPE = "urn:x"
        ASSERTION_METHODS: ClassVar[Any] = {"urn:x": lambda **options: f"by-{options['key']}"}

    answers = Answers(Answer(token()))
    session = edge.session(answers, Exchange, TOKEN_URL, "issuer", "subject", key="hand")
    session.get(API_URL)
    assert answers.forms[0] == {"grant_type": "urn:x", "assertion": "by-hand"}
    assert session.grant_type == "urn:x"
