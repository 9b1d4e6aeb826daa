"""How a registered client authenticates: chosen, configured, and never two ways at once."""

from __future__ import annotations

import base64
import dataclasses
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from requests.auth import HTTPBasicAuth

from flask_oauthclient.protocol.errors import ConfigurationError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import MetadataError
from flask_oauthclient.protocol.oauth2 import ClientAuth
from flask_oauthclient.protocol.oauth2 import ClientSecretJWT
from flask_oauthclient.protocol.oauth2 import PrivateKeyJWT
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.helpers.cases import Case
from tests.helpers.cases import Cases
from tests.helpers.rejection import assert_rejected
from tests.helpers.rejection import assert_typed
from tests.helpers.site import CLIENT_ID
from tests.helpers.site import CLIENT_SECRET
from tests.helpers.site import ISSUER
from tests.helpers.site import Site
from tests.helpers.world import World
from tests.protocol._assertions import jwk
from tests.protocol._assertions import pem
from tests.protocol._assertions import private_key
from tests.protocol._assertions import read
from tests.protocol._keys import public_parameters

BASIC, POST = "client_secret_basic", "client_secret_post"
SECRET_JWT, KEY_JWT = "client_secret_jwt", "private_key_jwt"
METHODS = "token_endpoint_auth_methods_supported"
ALGS = "token_endpoint_auth_signing_alg_values_supported"
DISCOVERY = "/.well-known/openid-configuration"
HONEST = "https://honest.test"

cases = Cases()


def registered(provider: DevelopmentProvider, **record: Any) -> None:
    """Change what the provider knows of the client."""
    known = provider.clients[CLIENT_ID]
    provider.add_client(dataclasses.replace(known, **record))


def with_key(provider: DevelopmentProvider, key: Any, alg: str | None = None) -> None:
    """Register the client with a public key and nothing else."""
    registered(
        provider,
        client_secret=None,
        jwks={"keys": [{**public_parameters(key.public_key()), "kid": "k1"}]},
        token_endpoint_auth_method=KEY_JWT,
        token_endpoint_auth_signing_alg=alg,
    )


def says(provider: DevelopmentProvider, **metadata: Any) -> None:
    """Let the provider's metadata say something else; ``None`` takes a member out."""
    provider.faults.on("discovery").edit_json(
        lambda d: {k: v for k, v in {**d, **metadata}.items() if v is not None}
    )


def method_used(site: Site) -> str:
    """How the client authenticated at last, and that it did so in one way only."""
    record = site.provider.log.find("token")[-1]
    used = {
        BASIC: "Authorization" in record.headers,
        POST: "client_secret" in record.form,
        "assertion": "client_assertion" in record.form,
    }
    assert sum(used.values()) <= 1
    return next((name for name, is_used in used.items() if is_used), "none")


def assertions(site: Site, key: Any = CLIENT_SECRET) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Header and claims of every assertion that the provider has got."""
    return [
        read(record.form["client_assertion"], key)
        for record in site.provider.log.find("token")
        if "client_assertion" in record.form
    ]


def refresh(site: Site, token: Any = None) -> Any:
    """Replace a token, as a request of the user would."""
    with site.in_request():
        return site.client().refresh_token(token or site.token)


def alg_of(site: Site, key: Any = CLIENT_SECRET) -> str:
    """The algorithm of the last assertion."""
    alg: str = assertions(site, key)[-1][0]["alg"]
    return alg


# -- chosen from the metadata --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("supported", "method"),
    [
        (None, BASIC),
        ([], BASIC),
        ([BASIC, POST, SECRET_JWT], BASIC),
        ([SECRET_JWT, POST], POST),
        (POST, POST),
        ([SECRET_JWT, KEY_JWT], "assertion"),
        (["none", "tls_client_auth"], BASIC),
    ],
)
def test_method_follows_from_the_metadata(
    provider: DevelopmentProvider, make_site: Callable[..., Site], supported: Any, method: str
) -> None:
    says(provider, **{METHODS: supported})
    site = make_site()

    assert site.login().status_code == 200, site.errors
    assert method_used(site) == method
    refresh(site)
    assert method_used(site) == method


def test_client_without_secret_only_names_itself(
    provider: DevelopmentProvider, make_site: Callable[..., Site]
) -> None:
    site = make_site(register={"client_secret": None})
    registered(provider, client_secret=None)

    assert site.login().status_code == 200
    assert method_used(site) == "none"
    assert provider.log.find("token")[0].form["client_id"] == CLIENT_ID


KEY_FORMS: dict[str, Callable[[Any], Any]] = {
    "pem": pem,
    "bytes": lambda key: pem(key).encode(),
    "jwk": lambda key: jwk(key, kid="k1"),
    "json": lambda key: json.dumps(jwk(key, kid="k1")),
    "joserfc": lambda key: ECKey.import_key(jwk(key)),
    "cryptography": lambda key: key,
}


@pytest.mark.parametrize("place", ["register", "config"])
@pytest.mark.parametrize("form", KEY_FORMS)
@pytest.mark.parametrize("supported", [[BASIC, POST], [KEY_JWT], None], ids=str)
def test_key_in_the_place_of_the_secret_signs(
    provider: DevelopmentProvider,
    make_site: Callable[..., Site],
    watch: Any,
    place: str,
    form: str,
    supported: Any,
) -> None:
    key = private_key("P-256")
    watch.secret(jwk(key)["d"], pem(key).splitlines()[1])
    secret = KEY_FORMS[form](key)
    says(provider, **{METHODS: supported})
    in_code = {"client_secret": secret if place == "register" else None}
    site = make_site(register=in_code, config={"DEMO_CLIENT_SECRET": secret})
    with_key(provider, key)

    assert site.login().status_code == 200, site.errors
    assert refresh(site)["access_token"]
    assert [header["alg"] for header, _ in assertions(site, key)] == ["ES256"] * 2


@pytest.mark.parametrize("stated", [None, KEY_JWT])
@pytest.mark.parametrize(
    ("kind", "accepted", "alg"),
    [
        ("RSA", ["PS256"], "PS256"),
        ("RSA", ["ES256", "PS512", "RS384"], "RS384"),
        ("RSA", ["PS256", "RS256"], "RS256"),
        ("RSA", "PS384", "PS384"),
        ("RSA", [], "RS256"),
        ("Ed25519", ["Ed25519", "ES256"], "Ed25519"),
        ("P-521", None, "ES512"),
    ],
)
def test_algorithm_of_a_key_follows_from_the_metadata(
    provider: DevelopmentProvider,
    make_site: Callable[..., Site],
    stated: str | None,
    kind: str,
    accepted: Any,
    alg: str,
) -> None:
    key = private_key(kind)
    says(provider, **{ALGS: accepted})
    site = make_site(register={"client_secret": pem(key), "token_endpoint_auth_method": stated})
    with_key(provider, key, alg)

    assert site.login().status_code == 200, site.errors
    assert alg_of(site, key) == alg


@pytest.mark.parametrize("stated", [None, SECRET_JWT])
@pytest.mark.parametrize(
    ("accepted", "alg"), [(["HS512"], "HS512"), (["RS256", "HS384"], "HS384"), (None, "HS256")]
)
def test_algorithm_of_a_secret_follows_from_the_metadata(
    provider: DevelopmentProvider,
    make_site: Callable[..., Site],
    stated: str | None,
    accepted: Any,
    alg: str,
) -> None:
    says(provider, **{METHODS: [SECRET_JWT], ALGS: accepted})
    site = make_site(register={"token_endpoint_auth_method": stated})
    registered(provider, token_endpoint_auth_signing_alg=alg)

    assert site.login().status_code == 200, site.errors
    assert alg_of(site) == alg


def test_key_that_the_server_cannot_use_is_an_error_before_anything_is_sent(
    provider: DevelopmentProvider, make_site: Callable[..., Site]
) -> None:
    says(provider, **{ALGS: ["RS256", "HS256"]})
    site = make_site(register={"client_secret": pem(private_key("P-256"))})

    error = assert_rejected(site, site.begin(), "unsupported_client_auth")
    assert "ES256" in error.description
    assert error.detail["supported"] == ["RS256", "HS256"]


def test_stated_method_is_used_although_the_metadata_do_not_fit(
    provider: DevelopmentProvider, make_site: Callable[..., Site]
) -> None:
    key = private_key("P-256")
    says(provider, **{METHODS: [BASIC], ALGS: ["RS256"]})
    site = make_site(register={"client_secret": pem(key), "token_endpoint_auth_method": KEY_JWT})
    with_key(provider, key)

    assert site.login().status_code == 200, site.errors
    assert alg_of(site, key) == "ES256"


@pytest.mark.parametrize("supported", [[POST], [SECRET_JWT]], ids=str)
def test_process_that_only_refreshes_asks_the_metadata_first(
    provider: DevelopmentProvider, make_site: Callable[..., Site], supported: list[str]
) -> None:
    says(provider, **{METHODS: supported})
    endpoints = {"access_token_url": f"{ISSUER}/token", "authorize_url": f"{ISSUER}/authorize"}
    first = make_site(register=endpoints)
    assert first.login().status_code == 200
    used = method_used(first)

    second = make_site(register=endpoints)
    assert refresh(second, first.token)["access_token"]
    assert method_used(second) == used
    assert second.outbound.paths[:2] == [DISCOVERY, "/token"]


def test_process_that_only_refreshes_asks_nothing_for_a_stated_secret(
    provider: DevelopmentProvider, make_site: Callable[..., Site]
) -> None:
    options = {"access_token_url": f"{ISSUER}/token", "token_endpoint_auth_method": POST}
    first = make_site(register=options)
    first.login()

    second = make_site(register=options)
    refresh(second, first.token)
    assert second.outbound.paths == ["/token"]


# -- configured ----------------------------------------------------------------------------------


def objects(key: Any) -> dict[str, Any]:
    return {
        "key-of-the-object": PrivateKeyJWT(key=pem(key), lifetime=20, headers={"x": "y"}),
        "alg": PrivateKeyJWT(key=key, alg="PS384"),
        "jwk": PrivateKeyJWT(key=jwk(key, kid="k1", alg="RS512")),
        "secret": ClientSecretJWT(alg="HS512", lifetime=1.5),
        "claims": ClientSecretJWT(claims={"own": "claim"}),
    }


@pytest.mark.parametrize("place", ["option", "client_kwargs", "client_auth_methods"])
@pytest.mark.parametrize("name", objects(private_key("RSA")))
def test_object_is_a_method(
    provider: DevelopmentProvider, make_site: Callable[..., Site], place: str, name: str
) -> None:
    key = private_key("RSA")
    method = objects(key)[name]
    signs_with = CLIENT_SECRET if isinstance(method, ClientSecretJWT) else key
    settings = {
        "option": {"token_endpoint_auth_method": method},
        "client_kwargs": {
            "client_kwargs": {"scope": "openid", "token_endpoint_auth_method": method}
        },
        "client_auth_methods": {
            "client_auth_methods": [method],
            "token_endpoint_auth_method": method.name,
        },
    }[place]
    site = make_site(register=settings)
    if signs_with is key:
        with_key(provider, key)

    assert site.login().status_code == 200, site.errors
    refresh(site)
    [(header, claims), (_, later)] = assertions(site, signs_with)
    assert header["alg"] == {"alg": "PS384", "jwk": "RS512", "secret": "HS512"}.get(
        name, "HS256" if name == "claims" else "RS256"
    )
    assert header.get("kid") == ("k1" if name == "jwk" else None)
    assert header.get("x") == ("y" if name == "key-of-the-object" else None)
    assert claims.get("own") == ("claim" if name == "claims" else None)
    lifetimes = {"key-of-the-object": 20, "secret": 2}
    assert claims["exp"] - claims["iat"] == lifetimes.get(name, 60)
    assert claims["aud"] == later["aud"] == ISSUER
    assert claims["jti"] != later["jti"]


@pytest.mark.parametrize("alg", ["PS256", "HS512"])
def test_registered_object_is_not_replaced_by_a_choice(
    provider: DevelopmentProvider, make_site: Callable[..., Site], alg: str
) -> None:
    key = private_key("RSA")
    secret = alg.startswith("HS")
    method = (ClientSecretJWT if secret else PrivateKeyJWT)(alg=alg, lifetime=7)
    says(provider, **{METHODS: [method.name], ALGS: [alg]})
    own = {} if secret else {"client_secret": pem(key)}
    site = make_site(register={"client_auth_methods": [method], **own})
    if not secret:
        with_key(provider, key)

    assert site.login().status_code == 200, site.errors
    header, claims = assertions(site, CLIENT_SECRET if secret else key)[0]
    assert header["alg"] == alg
    assert claims["exp"] - claims["iat"] == 7


@pytest.mark.parametrize(
    ("name", "used"),
    [(BASIC, BASIC), (POST, POST), (SECRET_JWT, "assertion"), (KEY_JWT, "assertion")],
)
def test_name_may_stand_in_the_configuration(
    provider: DevelopmentProvider, make_site: Callable[..., Site], name: str, used: str
) -> None:
    key = private_key("Ed25519")
    config = {"DEMO_TOKEN_ENDPOINT_AUTH_METHOD": name}
    own = {"client_secret": pem(key)} if name == KEY_JWT else {}
    site = make_site(config=config, register=own)
    if name == KEY_JWT:
        with_key(provider, key)

    assert site.login().status_code == 200, site.errors
    assert method_used(site) == used


def foreign(auth: Any, method: str, uri: str, headers: Any, body: str) -> Any:
    """A method that somebody else wrote, with another library."""
    now = int(time.time())
    claims = {"iss": auth.client_id, "sub": auth.client_id, "aud": uri, "exp": now + 30}
    key = ECKey.import_key(auth.client_secret)
    signed = jwt.encode({"alg": "ES256"}, {**claims, "jti": f"{time.time_ns()}"}, key)
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return uri, headers, f"{body}&client_assertion_type={kind}&client_assertion={signed}"


class Foreign:
    """The same as an object."""

    name = "foreign"

    def __call__(self, *args: Any) -> Any:
        return foreign(*args)


@pytest.mark.parametrize(
    "register",
    [
        {"token_endpoint_auth_method": foreign},
        {"token_endpoint_auth_method": Foreign()},
        {"token_endpoint_auth_method": "foreign", "client_auth_methods": [Foreign()]},
        {"token_endpoint_auth_method": "theirs", "client_auth_methods": [("theirs", foreign)]},
        {"client_auth_methods": [(KEY_JWT, foreign)]},
        {"compliance_fix": lambda session: session.register_client_auth_method((KEY_JWT, foreign))},
        {
            "token_endpoint_auth_method": KEY_JWT,
            "client_auth_methods": [(KEY_JWT, foreign)],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        },
    ],
    ids=["function", "object", "registered", "pair", "in-place-of-a-name", "by-a-fix", "stated"],
)
def test_method_of_somebody_else(
    provider: DevelopmentProvider, make_site: Callable[..., Site], register: Any
) -> None:
    key = private_key("P-256")
    site = make_site(register={"client_secret": pem(key), **register})
    with_key(provider, key, "ES256")

    assert site.login().status_code == 200, site.errors
    refresh(site)
    assert [claims["aud"] for _, claims in assertions(site, key)] == [f"{ISSUER}/token"] * 2


@pytest.mark.parametrize("place", ["option", "config", "client_kwargs"])
def test_raw_basic_for_a_server_that_does_not_decode(
    provider: DevelopmentProvider, make_site: Callable[..., Site], place: str
) -> None:
    # This provider does decode: what it takes for the secret shows what was sent.
    sent, decoded = "100%41+x: and more", "100A x: and more"
    register, config = {
        "option": ({"basic_encoding": "raw"}, {}),
        "config": ({}, {"DEMO_BASIC_ENCODING": "raw"}),
        "client_kwargs": ({"client_kwargs": {"scope": "openid", "basic_encoding": "raw"}}, {}),
    }[place]
    site = make_site(register={"client_secret": sent, **register}, config=config)
    registered(provider, client_secret=decoded)

    assert site.login().status_code == 200, site.errors
    credential = provider.log.find("token")[0].headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(credential).decode() == f"{CLIENT_ID}:{sent}"


def test_client_kwargs_come_before_the_options(
    provider: DevelopmentProvider, make_site: Callable[..., Site]
) -> None:
    kwargs = {"scope": "openid", "token_endpoint_auth_method": POST, "basic_encoding": "form"}
    options = {"token_endpoint_auth_method": BASIC, "basic_encoding": "raw"}
    site = make_site(register={"client_kwargs": kwargs, **options})

    assert site.login().status_code == 200
    assert method_used(site) == POST
    assert site.client().session.basic_encoding == "form"


@pytest.mark.parametrize("place", ["option", "config", "client_kwargs"])
def test_unknown_method_is_an_error_that_names_the_known(
    make_site: Callable[..., Site], place: str
) -> None:
    name = "client_secret_basc"
    register, config = {
        "option": ({"token_endpoint_auth_method": name}, {}),
        "config": ({}, {"DEMO_TOKEN_ENDPOINT_AUTH_METHOD": name}),
        "client_kwargs": (
            {"client_kwargs": {"scope": "openid", "token_endpoint_auth_method": name}},
            {},
        ),
    }[place]
    site = make_site(register={"client_auth_methods": [Foreign()], **register}, config=config)

    error = assert_rejected(site, site.begin(), "unsupported_client_auth")
    assert isinstance(error, ConfigurationError)
    assert name in error.description
    for known in (BASIC, POST, SECRET_JWT, KEY_JWT, "none", "foreign"):
        assert known in error.description


@pytest.mark.parametrize(
    "method",
    [[BASIC], {"kty": "oct", "k": CLIENT_SECRET}, PrivateKeyJWT, 5],
    ids=lambda method: type(method).__name__,
)
def test_method_that_is_none_is_an_error_that_does_not_show_it(
    make_site: Callable[..., Site], method: Any
) -> None:
    site = make_site(register={"token_endpoint_auth_method": method})

    error = assert_rejected(site, site.begin(), "unsupported_client_auth")
    assert BASIC in error.description
    assert CLIENT_SECRET not in str(error)


def test_pair_that_is_none_is_an_error_that_does_not_show_it(site: Site) -> None:
    site.outbound.clear()
    assert site.finish(site.begin(), auth=(CLIENT_SECRET,)).status_code == 500
    assert_typed(site.error, "invalid_configuration")
    assert "/token" not in site.outbound.paths


# -- of one call ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auth", "used"),
    [
        (POST, POST),
        (SECRET_JWT, "assertion"),
        (ClientSecretJWT(alg="HS512"), "assertion"),
        ((CLIENT_ID, CLIENT_SECRET), BASIC),
        (HTTPBasicAuth(CLIENT_ID, "the+client+secret+of+these+tests"), BASIC),
        (ClientAuth(CLIENT_ID, CLIENT_SECRET, POST), POST),
    ],
    ids=["name", "jwt", "object", "pair", "requests", "finished"],
)
def test_call_may_bring_its_own_method(site: Site, auth: Any, used: str) -> None:
    assert site.finish(site.begin(), auth=auth).status_code == 200, site.errors
    assert method_used(site) == used


def test_finished_identity_of_a_call_stays_as_it_is(site: Site) -> None:
    own = ClientAuth(CLIENT_ID, CLIENT_SECRET, SECRET_JWT)
    assert site.finish(site.begin(), auth=own).status_code == 200

    assert own.issuer is None
    assert assertions(site)[0][1]["aud"] == f"{ISSUER}/token"


def test_worker_of_an_application_signs_for_each_token(
    provider: DevelopmentProvider, make_site: Callable[..., Site]
) -> None:
    key = private_key("P-256")
    kwargs = {"scope": "api", "grant_type": "client_credentials"}
    site = make_site(register={"client_secret": pem(key), "client_kwargs": kwargs})
    with_key(provider, key)

    with site.in_request():
        client = site.client()
        token = client.fetch_access_token(grant_type="client_credentials")
        fresh = client.ensure_active_token({**token, "expires_at": 1})
    assert fresh["access_token"] != token["access_token"]
    [(_, first), (_, second)] = assertions(site, key)
    assert first["jti"] != second["jti"]
    assert first["aud"] == second["aud"] == ISSUER


# -- the rows ------------------------------------------------------------------------------------

SIGNED = [SECRET_JWT, KEY_JWT]


def signing(world: World, method: str) -> tuple[Site, Any]:
    """A site whose client signs, and what it signs with."""
    key = private_key("P-256")
    own = {"client_secret": pem(key)} if method == KEY_JWT else {}
    site = world.make_site(register={"token_endpoint_auth_method": method, **own})
    if method != KEY_JWT:
        return site, CLIENT_SECRET
    with_key(world.provider, key)
    return site, key


@cases.rows("T21", [BASIC, POST, *SIGNED])
def client_that_is_refused(world: World, method: str) -> None:
    site, _ = signing(world, method)
    other = private_key("P-521")
    jwks = {"keys": [public_parameters(other.public_key())]} if method == KEY_JWT else None
    registered(world.provider, client_secret=None if jwks else "x" * 40, jwks=jwks)

    error = assert_rejected(site, site.begin(), "invalid_client", sent=["/token"])
    assert error.detail["status"] == 401


@cases.rows("T24-config", {"specials": "p:\u00e4 %+&", "percent": "100%25", "colon": ":::::::"})
def secret_of_the_configuration(world: World, secret: str) -> None:
    world.watch.secret(secret)
    site = world.make_site(register={"client_secret": None}, config={"DEMO_CLIENT_SECRET": secret})
    registered(world.provider, client_secret=secret)
    assert site.login().status_code == 200, site.errors
    assert method_used(site) == BASIC


@cases.rows("T25", SIGNED)
def assertion_is_for_the_issuer_and_for_once(world: World, method: str) -> None:
    site, key = signing(world, method)
    site.login()
    site.login()
    refresh(site)

    signed = assertions(site, key)
    for _, claims in signed:
        assert claims["iss"] == claims["sub"] == CLIENT_ID
        assert claims["aud"] == ISSUER  # the text itself, and no list
        assert 0 < claims["exp"] - claims["iat"] <= 60
        assert len(claims["jti"]) >= 22
    assert len({claims["jti"] for _, claims in signed}) == len(signed) == 3


@cases.row("T25-kid")
def assertion_names_its_key(world: World) -> None:
    key = private_key("P-256")
    site = world.make_site(register={"client_secret": jwk(key, kid="k1")})
    with_key(world.provider, key)
    site.login()
    assert assertions(site, key)[0][0]["kid"] == "k1"


@cases.rows(
    "T25-audience",
    {
        # What the registration says of the server, and who is then known to be it.
        "issuer": ({}, ISSUER),
        "metadata-url": ({"issuer": None, "server_metadata_url": ISSUER + DISCOVERY}, ISSUER),
        "given-metadata": (
            {"issuer": None, "server_metadata": {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks"}},
            ISSUER,
        ),
        "endpoints-only": ({"issuer": None, "jwks_uri": f"{ISSUER}/jwks"}, f"{ISSUER}/token"),
    },
)
def audience_is_whoever_is_known(world: World, values: tuple[dict[str, Any], str]) -> None:
    known, audience = values
    key = private_key("P-256")
    urls = {"authorize_url": f"{ISSUER}/authorize", "access_token_url": f"{ISSUER}/token"}
    register = {"client_secret": pem(key), **urls, **known}
    site = world.make_site(register=register)
    with_key(world.provider, key)
    assert site.login().status_code == 200, site.errors
    # The same in a process that has seen no login.
    later = world.make_site(register=register)
    with_key(world.provider, key)
    refresh(later, site.token)

    assert [claims["aud"] for _, claims in assertions(site, key)] == [audience] * 2


@cases.rows("T26", SIGNED)
def hostile_server_cannot_pass_an_assertion_on(world: World, method: str) -> None:
    evil, honest = world.provider, DevelopmentProvider(HONEST, keys=world.provider.keys)
    key = private_key("P-256")
    own = {"client_secret": pem(key)} if method == KEY_JWT else {}
    says(evil, token_endpoint=f"{HONEST}/token")
    site = world.make_site(
        {"demo": evil, "honest": honest}, register={"token_endpoint_auth_method": method, **own}
    )
    if method == KEY_JWT:
        with_key(honest, key)

    assert site.login().status_code == 502
    assert_typed(site.error, "invalid_client")
    [record] = honest.log.find("token")
    assertion = record.form["client_assertion"]
    assert read(assertion, key if method == KEY_JWT else CLIENT_SECRET)[1]["aud"] == ISSUER
    # Nobody has used it up, and it is of no use all the same.
    with site.in_request():
        again = {"client_assertion_type": record.form["client_assertion_type"]}
        response = site.client("honest").session.request(
            "POST",
            f"{HONEST}/token",
            withhold_token=True,
            data={"grant_type": "client_credentials", "client_assertion": assertion, **again},
        )
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    honest.auto_sign_in = "alice"
    assert site.login("honest").status_code == 200, site.errors


OWN = {
    "secret": {"client_secret": "a-second-secret"},
    "assertion": {"client_assertion": "a-second-assertion"},
}
HEADER = {"headers": {"authorization": "Basic a-second-credential"}}


@cases.rows(
    "T29-own",
    {
        f"{method}-and-{name}": (method, more)
        for method in (BASIC, POST, *SIGNED)
        for name, more in OWN.items()
    },
)
def credential_of_a_call_is_the_only_one(world: World, values: tuple[str, dict[str, Any]]) -> None:
    method, more = values
    site, _ = signing(world, method)
    assert site.finish(site.begin(), **more).status_code == site.error.http_status
    assert_typed(site.error, "invalid_client")
    record = site.provider.log.find("token")[-1]
    named = {"client_id": CLIENT_ID} if "client_secret" in more else {}
    sent = {k: v for k, v in record.form.items() if k.startswith("client_")}
    assert sent == {**more, **named}
    assert "Authorization" not in record.headers


@cases.rows(
    "T29",
    {
        **{f"{method}-and-header": (method, HEADER) for method in (POST, *SIGNED)},
        **{
            f"{method}-and-{name}-in-two-ways": (method, {**HEADER, **more})
            for method in (BASIC, POST, *SIGNED)
            for name, more in OWN.items()
        },
        **{
            f"{method}-and-both": (method, {**OWN["secret"], **OWN["assertion"]})
            for method in (BASIC, POST, *SIGNED)
        },
    },
)
def second_method_never_goes_along(world: World, values: tuple[str, dict[str, Any]]) -> None:
    method, more = values
    site, _ = signing(world, method)
    visit = site.begin()
    site.outbound.clear()
    response = site.finish(visit, **more)

    assert response.status_code == site.error.http_status
    assert isinstance(site.error, InvalidSettingError)
    assert_typed(site.error, "invalid_configuration")
    assert "second" not in str(site.error)
    assert site.outbound.paths == []


@cases.row("T29-basic-header")
def header_of_a_call_is_replaced_by_the_credential(world: World) -> None:
    site, _ = signing(world, BASIC)
    response = site.finish(site.begin(), headers={"authorization": "Bearer a-stray-token"})
    assert response.status_code == 200
    sent = site.outbound.requests[-2].headers
    assert [v.split()[0] for k, v in sent.items() if k.lower() == "authorization"] == ["Basic"]


@cases.rows("T29-registered", [BASIC, POST, *SIGNED])
def registered_parameters_are_no_second_method(world: World, method: str) -> None:
    key = private_key("P-256")
    own = {"client_secret": pem(key)} if method == KEY_JWT else {}
    more = {"access_token_params": {"client_secret": CLIENT_SECRET}}
    site = world.make_site(register={"token_endpoint_auth_method": method, **own, **more})
    assert site.finish(site.begin()).status_code == 200, site.errors
    assert method_used(site) == POST


@cases.rows("T37", SIGNED)
def assertion_is_not_made_for_another_issuer(world: World, method: str) -> None:
    site, key = signing(world, method)
    visit = site.begin()
    says(world.provider, issuer="https://evil.test", token_endpoint="https://evil.test/token")
    document = site.client().server._document
    document._clock = lambda: time.monotonic() + 7200
    assert site.finish(visit).status_code == 200
    assert site.login().status_code == 200
    assert not any("evil" in (request.url or "") for request in site.outbound.requests)
    assert {claims["aud"] for _, claims in assertions(site, key)} == {ISSUER}


@cases.rows("T37-at-once", SIGNED)
def assertion_is_not_made_at_all(world: World, method: str) -> None:
    site, _ = signing(world, method)
    says(world.provider, issuer="https://evil.test", token_endpoint="https://evil.test/token")
    assert site.send_login().status_code == 502
    assert_typed(site.error, "issuer_mismatch")
    with (
        site.in_request(),
        pytest.raises(MetadataError, match="issuer_mismatch"),
    ):
        site.client().refresh_token({"access_token": "a", "refresh_token": "a-refresh-token"})
    assert not site.provider.log.find("token")
    assert not any("evil" in (request.url or "") for request in site.outbound.requests)


@pytest.mark.parametrize("case", cases.params())
def test_client_authentication(case: Case, world: World) -> None:
    case(world)
