"""Modules about the login itself: discovery, keys, ID tokens, form_post."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from flask_oauthclient.protocol.errors import IDTokenError
from flask_oauthclient.testing.provider import ClientRecord
from tests.helpers.cases import Cases
from tests.helpers.rejection import assert_rejected
from tests.helpers.rejection import assert_typed
from tests.helpers.site import CLIENT_ID
from tests.helpers.site import CLIENT_SECRET
from tests.helpers.site import ISSUER
from tests.helpers.site import SCOPE
from tests.helpers.site import Site
from tests.helpers.world import World

cases = Cases()
module = cases.row
METADATA = "/.well-known/openid-configuration"
CHECKED = ("/token", "/jwks")
Claims = dict[str, Any]


def registered(world: World, **fields: Any) -> None:
    """Register the client otherwise at the provider."""
    uris = ("https://rp.test/callback/demo",)
    secret = fields.pop("client_secret", CLIENT_SECRET)
    world.provider.add_client(ClientRecord(CLIENT_ID, secret, redirect_uris=uris, **fields))


def userinfo(site: Site, token: Any = None) -> Any:
    with site.in_request():
        return site.client().userinfo(token=token or site.token)


# -- logins that work ---------------------------------------------------------------------


@module("oidcc-client-test")
def whole_login(world: World) -> None:
    site = world.make_site()
    assert site.login().json()["user"] == "alice"
    assert userinfo(site)["sub"] == "alice"
    assert site.outbound.paths == [METADATA, *CHECKED, "/userinfo"]
    nonce = world.provider.log.find("authorize")[0].query["nonce"]
    assert 16 <= len(nonce) <= 43
    assert nonce.isprintable()


@module("oidcc-client-test-client-secret-basic")
def only_basic_is_allowed(world: World) -> None:
    site = world.make_site()
    registered(world, token_endpoint_auth_method="client_secret_basic")
    methods = {"token_endpoint_auth_methods_supported": ["client_secret_basic"]}
    world.provider.faults.on("discovery").edit_json(lambda d: {**d, **methods})
    assert site.login().status_code == 200
    record = world.provider.log.find("token")[0]
    assert record.headers["Authorization"].startswith("Basic ")
    assert not {"client_id", "client_secret"} & set(record.form)


@module("oidcc-client-test-discovery-openid-config")
def endpoints_are_the_discovered_ones(world: World) -> None:
    site = world.make_site()
    assert site.login().status_code == 200
    assert site.outbound.paths[0] == METADATA
    assert site.client().load_server_metadata()["token_endpoint"] == f"{ISSUER}/token"


@module("oidcc-client-test-discovery-jwks-uri-keys")
def keys_are_where_the_metadata_say(world: World) -> None:
    world.provider.faults.on("discovery").edit_json(
        lambda d: {**d, "jwks_uri": f"{ISSUER}/jwks?k=7"}
    )
    site = world.make_site()
    assert site.login().status_code == 200
    assert world.provider.log.find("jwks")[0].query["k"] == "7"


@module("oidcc-client-test-idtoken-sig-rs256")
def signature_by_rs256(world: World) -> None:
    registered_site = world.make_site(register={"id_token_signed_response_alg": "RS256"})
    assert registered_site.login().status_code == 200


@module("oidcc-client-test-kid-absent-single-jwks")
def no_kid_and_one_key(world: World) -> None:
    world.provider.faults.on("id_token").edit_header(lambda h: _without(h, "kid"))
    world.provider.faults.on("jwks").edit_json(
        lambda d: {"keys": [_without(k, "kid") for k in d["keys"] if k["alg"] == "RS256"]}
    )
    assert world.make_site().login().status_code == 200


@module("oidcc-client-test-kid-absent-multiple-jwks")
def no_kid_and_several_keys(world: World) -> None:
    world.provider.faults.on("id_token").edit_header(lambda h: _without(h, "kid"))
    other = type(world.provider)("https://other.test").keys.signing_key("RS256").public_jwk
    world.provider.faults.on("jwks").edit_json(
        lambda d: {"keys": [_without(k, "kid") for k in [other, *d["keys"]]]}
    )
    assert world.make_site().login().status_code == 200


@module("oidcc-client-test-nonce-unless-code-flow")
def nonce_is_sent_in_the_code_flow_too(world: World) -> None:
    site = world.make_site()
    site.login()
    assert world.provider.log.find("authorize")[0].query["nonce"] == site.token["userinfo"]["nonce"]


@module("oidcc-client-test-missing-athash")
def at_hash_is_optional_in_the_code_flow(world: World) -> None:
    world.provider.faults.on("id_token").edit_claims(lambda c: _without(c, "at_hash"))
    assert world.make_site().login().status_code == 200


@module("oidcc-client-test-missing-chash")
def c_hash_is_optional_in_the_code_flow(world: World) -> None:
    site = world.make_site()
    assert site.login().status_code == 200
    assert "c_hash" not in site.token["userinfo"]


@module("oidcc-client-test-scope-userinfo-claims")
def claims_of_the_scopes(world: World) -> None:
    site = world.make_site()
    site.login()
    assert world.provider.log.find("authorize")[0].query["scope"] == SCOPE
    assert userinfo(site)["email"] == "alice@example.com"
    assert userinfo(site).name == "Alice Example"


# -- key rotation -------------------------------------------------------------------------


@module("oidcc-client-test-signing-key-rotation")
def keys_change_after_the_first_login(world: World) -> None:
    site = world.make_site()
    assert site.login().status_code == 200
    world.provider.rotate_keys(keep_old=False)
    assert site.login().status_code == 200
    assert site.outbound.paths == [METADATA, *CHECKED, *CHECKED]


@module("oidcc-client-test-signing-key-rotation-just-before-signing")
def keys_change_between_our_fetch_and_the_signature(world: World) -> None:
    site = world.make_site()
    visit = site.begin()
    with site.in_request():
        site.client().fetch_jwk_set()
    site.outbound.clear()
    world.provider.rotate_keys(keep_old=False)
    assert site.finish(visit).status_code == 200
    assert site.outbound.paths == ["/token", "/jwks"]
    world.provider.rotate_keys(keep_old=False)
    assert site.login().status_code == 200  # at once again, without a pause


# -- ID tokens that must be rejected ------------------------------------------------------


def _without(document: Claims, name: str) -> Claims:
    return {k: v for k, v in document.items() if k != name}


def reject_id_token(
    name: str, code: str, claim: str | None, change: Callable[[Claims], Claims]
) -> None:
    """Add a module that alters a claim of the ID token."""

    @module(name)
    def claim_is_altered(world: World) -> None:
        world.provider.faults.on("id_token").edit_claims(change)
        site = world.make_site()
        error = assert_rejected(site, site.begin(), code, sent=CHECKED)
        assert isinstance(error, IDTokenError)
        assert error.detail["claim"] == claim


def _altered(claim: str, change: Callable[[Any], Any]) -> Callable[[Claims], Claims]:
    return lambda claims: {**claims, claim: change(claims.get(claim))}


PREFIX = "oidcc-client-test-"
reject_id_token(
    PREFIX + "invalid-athash", "invalid_claim", "at_hash", _altered("at_hash", lambda v: v[::-1])
)
reject_id_token(
    PREFIX + "invalid-chash", "invalid_claim", "c_hash", _altered("c_hash", lambda v: "x" * 22)
)
reject_id_token(PREFIX + "invalid-aud", "invalid_claim", "aud", _altered("aud", lambda v: v + "1"))
reject_id_token(PREFIX + "invalid-iss", "invalid_claim", "iss", _altered("iss", lambda v: v + "/1"))
reject_id_token(
    PREFIX + "nonce-invalid", "invalid_claim", "nonce", _altered("nonce", lambda v: v + "1")
)
reject_id_token(PREFIX + "missing-aud", "missing_claim", "aud", lambda c: _without(c, "aud"))
reject_id_token(PREFIX + "missing-iat", "missing_claim", "iat", lambda c: _without(c, "iat"))
reject_id_token(PREFIX + "missing-sub", "missing_claim", "sub", lambda c: _without(c, "sub"))


def reject_signature(alg: str, sent: tuple[str, ...]) -> None:
    """Add a module that alters the signature."""

    @module(f"{PREFIX}invalid-sig-{alg.lower()}")
    def signature_is_altered(world: World) -> None:
        site = world.make_site(register={"id_token_signed_response_alg": alg})
        registered(world, id_token_signed_response_alg=alg)
        visit = site.begin()
        with world.provider.faults.on("id_token").tamper_signature():
            assert_rejected(site, visit, "bad_signature", sent=sent)
        assert site.login().status_code == 200


reject_signature("RS256", CHECKED)
reject_signature("ES256", CHECKED)
reject_signature("HS256", ("/token",))


@module("oidcc-client-test-idtoken-sig-none")
def unsigned_id_token(world: World) -> None:
    world.provider.faults.on("id_token").sign_with("none")
    site = world.make_site()
    assert_rejected(site, site.begin(), "unsupported_alg", sent=["/token"])


# -- discovery, form_post -----------------------------------------------------------------


@module("oidcc-client-test-discovery-issuer-mismatch")
def metadata_of_another_issuer(world: World) -> None:
    world.provider.faults.on("discovery").edit_json(lambda d: {**d, "issuer": ISSUER + "/other"})
    site = world.make_site()
    assert site.send_login().status_code == 502
    assert_typed(site.error, "issuer_mismatch")
    assert site.outbound.paths == [METADATA]
    assert world.provider.log.count("authorize") == 0


@module("oidcc-client-test-form-post-error")
def error_by_form_post(world: World) -> None:
    world.provider.auto_sign_in = None
    site = world.make_site()
    visit = site.begin(response_mode="form_post", prompt="none", max_age=0)
    assert visit.method == "POST"
    assert_rejected(site, visit, "login_required")


# -- FAPI modules that concern the code flow as such --------------------------------------


@cases.rows(
    "fapi-client-test",
    {
        "valid-aud-as-array": lambda p: p.on("id_token").edit_claims(
            _altered("aud", lambda v: [v])
        ),
        "token-type-case-insensitivity": lambda p: p.on("token").edit_json(
            lambda t: {**t, "token_type": "bEARER"}
        ),
        "token-endpoint-response-without-expires_in": lambda p: p.on("token").edit_json(
            lambda t: _without(t, "expires_in")
        ),
        "no-scope-in-token-endpoint-response": lambda p: p.on("token").edit_json(
            lambda t: _without(_without(t, "scope"), "expires_in")
        ),
    },
)
def unusual_but_right(world: World, fault: Callable[[Any], object]) -> None:
    fault(world.provider.faults)
    site = world.make_site()
    assert site.login().status_code == 200
    assert userinfo(site)["sub"] == "alice"


@cases.rows(
    "fapi-client-test-invalid",
    {
        "secondary-aud": (
            lambda c: {**_without(c, "azp"), "aud": [CLIENT_ID, "other"]},
            "invalid_claim",
        ),
        "expired-exp": (lambda c: {**c, "exp": int(time.time()) - 360}, "expired_id_token"),
        "missing-exp": (lambda c: _without(c, "exp"), "missing_claim"),
        "missing-iss": (lambda c: _without(c, "iss"), "missing_claim"),
        "missing-nonce": (lambda c: _without(c, "nonce"), "missing_claim"),
        "shash": (lambda c: {**c, "s_hash": "x" * 22}, "invalid_claim"),
    },
)
def invalid_id_token(world: World, fault: tuple[Callable[[Claims], Claims], str]) -> None:
    world.provider.faults.on("id_token").edit_claims(fault[0])
    site = world.make_site()
    assert_rejected(site, site.begin(), fault[1], sent=CHECKED)


@module("fapi-client-test-invalid-alternate-alg")
def signature_by_another_valid_key(world: World) -> None:
    key = world.provider.keys.signing_key("RS256")
    world.provider.faults.on("id_token").sign_with("RS256", key)
    site = world.make_site(register={"id_token_signed_response_alg": "ES256"})
    assert_rejected(site, site.begin(), "unsupported_alg", sent=["/token"])
