"""The authorization request: rows A of the table of faults."""

from __future__ import annotations

import re
from typing import Any

import pytest

from flask_oauthclient.protocol.errors import ConfigurationError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import MetadataError
from flask_oauthclient.protocol.oauth2.pkce import create_s256_code_challenge
from flask_oauthclient.testing.provider import ClientRecord
from tests.helpers.cases import Case
from tests.helpers.cases import Cases
from tests.helpers.rejection import assert_typed
from tests.helpers.site import CLIENT_ID
from tests.helpers.site import Site
from tests.helpers.urls import query_of
from tests.helpers.world import World

cases = Cases()


def sent(site: Site, **params: Any) -> dict[str, list[str]]:
    """The parameters with which the browser is sent to the provider."""
    return query_of(site.send_login(**params).headers["Location"])


@cases.rows(
    "A01",
    {
        "confidential": {},
        "public": {"client_secret": None},
        "no-openid": {"client_kwargs": {"scope": "api"}},
        "no-scope": {"client_kwargs": {}},
        "said-so": {"client_kwargs": {"scope": "openid", "code_challenge_method": "S256"}},
        "post": {"client_kwargs": {"scope": "openid", "response_mode": "form_post"}},
        "endpoints-by-hand": {
            "issuer": None,
            "authorize_url": "https://op.test/authorize",
            "access_token_url": "https://op.test/token",
            "jwks_uri": "https://op.test/jwks",
        },
    },
)
def code_challenge_of_every_login(world: World, register: dict[str, Any]) -> None:
    site = world.make_site(register=register)
    if "client_secret" in register:
        uris = world.provider.clients[CLIENT_ID].redirect_uris
        world.provider.add_client(ClientRecord(CLIENT_ID, redirect_uris=uris))
    challenges, verifiers = set(), set()
    for _ in range(2):
        assert site.login().status_code == 200, site.errors
        query = world.provider.log.find("authorize")[-1].query
        verifier = world.provider.log.find("token")[-1].form["code_verifier"]
        assert query["code_challenge_method"] == "S256"
        assert re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier)
        assert query["code_challenge"] == create_s256_code_challenge(verifier)
        challenges.add(query["code_challenge"])
        verifiers.add(verifier)
    assert len(challenges) == len(verifiers) == 2


@cases.rows(
    "A02",
    {
        "plain": ["plain"],
        "none": None,
        "empty": [],
        "text": "plain",
        "unknown": ["S512"],
        "null": [None],
    },
)
def server_that_does_not_list_s256(world: World, methods: Any) -> None:
    site = world.make_site()
    name = "code_challenge_methods_supported"
    with world.provider.faults.on("discovery").edit_json(
        lambda d: {k: v for k, v in {**d, name: methods}.items() if v is not None}
    ):
        query = sent(site)
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["state"][0]) == 30
    assert len(query["nonce"][0]) == 20


@cases.rows("A02-registered", {"plain": "plain", "lower-case": "s256", "empty": "", "true": True})
def method_that_is_not_s256(world: World, method: Any) -> None:
    with pytest.raises(InvalidSettingError) as caught:
        world.make_site(register={"client_kwargs": {"code_challenge_method": method}})
    assert_typed(caught.value, "invalid_configuration")


@cases.row("A02-off")
def switching_pkce_off_is_said_aloud(world: World) -> None:
    register = {"client_kwargs": {"scope": "openid", "code_challenge_method": None}}
    site = world.make_site(register=register)
    assert "code_challenge" not in sent(site)
    assert world.watch.logged("PKCE is switched off")
    assert site.login().status_code == 200


BOUND = ("client_id", "code_challenge", "code_challenge_method")
FOR_ONE_LOGIN = (*BOUND, "state", "nonce", "code_verifier", "redirect_uri", "response_type")


@cases.rows("A04-call", BOUND)
def parameter_of_ours_in_a_call(world: World, name: str) -> None:
    site = world.make_site()
    answer = site.send_login(**{name: "x"})
    assert_typed(site.error, "invalid_configuration")
    assert isinstance(site.error, InvalidSettingError)
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (500, False)


@cases.rows("A04-registered", FOR_ONE_LOGIN)
def parameter_of_ours_in_the_registration(world: World, name: str) -> None:
    site = world.make_site(register={"authorize_params": {name: "fixed"}})
    assert site.send_login().status_code == 500
    assert_typed(site.error, "invalid_configuration")


@cases.rows("A04-config", FOR_ONE_LOGIN)
def parameter_of_ours_in_the_configuration(world: World, name: str) -> None:
    site = world.make_site(config={"DEMO_AUTHORIZE_PARAMS": {name: "fixed"}})
    assert site.send_login().status_code == 500
    assert_typed(site.error, "invalid_configuration")


@cases.rows(
    "A04-endpoint",
    ("client_id", "state", "nonce", "redirect_uri", "response_type", "code_challenge", "scope"),
)
def parameter_of_ours_in_the_query_of_the_endpoint(world: World, name: str) -> None:
    site = world.make_site()
    with world.provider.faults.on("discovery").edit_json(
        lambda d: {**d, "authorization_endpoint": d["authorization_endpoint"] + f"?{name}=x"}
    ):
        answer = site.send_login()
    assert answer.status_code == 502
    assert_typed(site.error, "invalid_metadata")
    assert isinstance(site.error, MetadataError)


@cases.row("A04-endpoint-registered")
def parameter_of_ours_in_the_query_of_a_registered_endpoint(world: World) -> None:
    url = f"{world.provider.issuer}/authorize?tenant=t&state=x"
    site = world.make_site(register={"authorize_url": url})
    assert site.send_login().status_code == 500
    assert_typed(site.error, "invalid_configuration")


@cases.rows("A04-response-type", ("token", "code id_token", "id_token", "none", ""))
def response_type_that_is_not_code(world: World, response_type: str) -> None:
    site = world.make_site()
    assert site.send_login(response_type=response_type).status_code == 500
    assert isinstance(site.error, ConfigurationError)
    assert_typed(site.error, "unsupported_response_type")


@cases.row("A04-response-type-registered")
def response_type_that_is_not_code_in_the_registration(world: World) -> None:
    register = {"client_kwargs": {"scope": "openid", "response_type": "token"}}
    site = world.make_site(register=register)
    assert site.send_login().status_code == 500
    assert_typed(site.error, "unsupported_response_type")


@cases.row("A04-given")
def values_that_the_call_gives_are_used_once(world: World) -> None:
    given = {"state": "state-of-the-call", "nonce": "nonce-of-the-call", "code_verifier": "v" * 43}
    world.watch.secret(*given.values())
    site = world.make_site()
    query = sent(site, **given)
    assert query["state"] == ["state-of-the-call"]
    assert query["nonce"] == ["nonce-of-the-call"]
    assert query["code_challenge"] == [create_s256_code_challenge("v" * 43)]
    assert "code_verifier" not in query


@cases.rows(
    "A05",
    (
        "scope=admin&prompt=none",
        "state=evil&nonce=evil&redirect_uri=https://evil.test/",
        "client_id=evil&response_type=token&login_hint=evil",
        "extra=evil&next=//evil.test",
    ),
)
def query_of_the_login_request_is_not_copied(world: World, query: str) -> None:
    site = world.make_site()
    location = site.send_login(query="?" + query).headers["Location"]
    assert not re.search(r"admin|evil|prompt|token&", location)
    assert query_of(location)["scope"] == ["openid profile email"]


@cases.rows(
    "A06",
    {
        "one": "?tenant=a%20b",
        "two": "?tenant=t&p=1&p=2",
        "empty-value": "?tenant=",
        "ends-with-mark": "?",
        "ends-with-and": "?tenant=t&",
        "escaped": "?policy=B2C_1%26x%3D1",
    },
)
def endpoint_with_a_query_of_its_own(world: World, query: str) -> None:
    endpoint = f"{world.provider.issuer}/authorize{query}"
    site = world.make_site(register={"authorize_url": endpoint})
    location = site.send_login().headers["Location"]
    assert location.startswith(endpoint)
    merged = query_of(location)
    assert {k: merged[k] for k in query_of(endpoint)} == query_of(endpoint)
    assert all(len(merged[name]) == 1 for name in ("client_id", "state", "scope", "nonce"))
    assert location.count("?") == 1


@cases.rows("A08", {"list": list, "tuple": tuple, "dict-keys": lambda v: list(dict.fromkeys(v))})
def repeated_resource(world: World, kind: Any) -> None:
    resources = ["https://api.test/a", "https://api.test/b?c=d"]
    assert sent(world.make_site(), resource=kind(resources))["resource"] == resources


@cases.row("A08-registered")
def repeated_resource_in_the_registration(world: World) -> None:
    resources = ["https://api.test/a", "https://api.test/b"]
    site = world.make_site(register={"authorize_params": {"resource": resources}})
    assert sent(site)["resource"] == resources


FORGED = {
    "host": {"Host": "evil.test"},
    "x-forwarded-host": {"X-Forwarded-Host": "evil.test"},
    "forwarded": {"Forwarded": "host=evil.test;proto=http"},
    "x-forwarded-proto": {"X-Forwarded-Proto": "http", "X-Forwarded-Port": "8080"},
    "x-forwarded-prefix": {"X-Forwarded-Prefix": "/evil.test"},
    "x-original-host": {"X-Original-Host": "evil.test", "X-Host": "evil.test"},
}


@cases.rows("A09", FORGED)
def forged_host(world: World, headers: dict[str, str]) -> None:
    uri = "https://rp.test/callback/demo"
    site = world.make_site(register={"redirect_uri": uri})
    answer = site.send_login(headers=headers)
    assert query_of(answer.headers["Location"])["redirect_uri"] == [uri]
    assert "evil" not in answer.headers["Location"]


@cases.row("A09-whole-login")
def registered_redirect_uri_serves_for_the_whole_login(world: World) -> None:
    uri = "https://rp.test/callback/demo"
    site = world.make_site(register={"redirect_uri": uri})
    assert site.login().status_code == 200
    assert world.provider.log.find("token")[0].form["redirect_uri"] == uri


@cases.row("A10")
def plain_http_redirect_uri_is_warned_of_once(world: World) -> None:
    site = world.make_site(origin="http://app.example")
    for _ in range(2):
        assert site.send_login().status_code == 302
    warnings = [r for r in world.caplog.records if "is plain http" in r.getMessage()]
    assert [record.levelname for record in warnings] == ["WARNING"]


@cases.rows("A10-fine", ("https://app.example", "http://localhost:5000", "http://127.0.0.1:5000"))
def other_redirect_uris_are_not_warned_of(world: World, origin: str) -> None:
    world.make_site(origin=origin).send_login()
    assert not world.watch.logged("is plain http")


@pytest.mark.parametrize("case", cases.params())
def test_authorization_request(case: Case, world: World) -> None:
    case(world)
