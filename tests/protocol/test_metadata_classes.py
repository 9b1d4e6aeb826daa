"""Metadata documents judged in full, and where they stand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from flask_oauthclient.protocol import oauth2
from flask_oauthclient.protocol import oidc
from flask_oauthclient.protocol.errors import MetadataError
from flask_oauthclient.protocol.oauth2 import AuthorizationServerMetadata
from flask_oauthclient.protocol.oauth2.metadata import well_known_urls
from flask_oauthclient.protocol.oidc import OpenIDProviderMetadata
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider.metadata import metadata
from tests.protocol._login import ABSENT
from tests.protocol._login import edit

ISSUER = "https://op.test"
GOOD: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/jwks",
    "response_types_supported": ["code"],
    "subject_types_supported": ["public"],
    "id_token_signing_alg_values_supported": ["RS256", "ES256"],
}
KINDS = (AuthorizationServerMetadata, OpenIDProviderMetadata)
#: Changes that leave a good document, for both kinds.
ACCEPTED: dict[str, dict[str, Any]] = {
    "plain": {},
    "loopback": {"issuer": "http://localhost:5000", "jwks_uri": "http://127.0.0.1/jwks"},
    "issuer-with-path": {"issuer": f"{ISSUER}/tenant/"},
    "no-authorization-endpoint": {
        "authorization_endpoint": ABSENT,
        "grant_types_supported": ["client_credentials"],
    },
    "no-token-endpoint": {"token_endpoint": ABSENT, "grant_types_supported": ["implicit"]},
    "jwt-methods": {
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
    },
    "pages": {"service_documentation": "http://docs.test/a?b#c", "op_tos_uri": f"{ISSUER}/tos"},
    "lists": {"scopes_supported": ["openid"], "code_challenge_methods_supported": ["S256"]},
    "empty-list": {"scopes_supported": []},
    "switch": {"authorization_response_iss_parameter_supported": True},
    "unknown-members": {"x": None, "x_supported": "y", "dpop_signing_alg_values_supported": 1},
}
#: Changes that make a bad one, for both kinds, with the member that is named.
REJECTED: dict[str, tuple[dict[str, Any], str]] = {
    "no-issuer": ({"issuer": ABSENT}, "issuer"),
    "issuer-http": ({"issuer": "http://op.test"}, "issuer"),
    "no-response-types": ({"response_types_supported": ABSENT}, "response_types_supported"),
    "empty-response-types": ({"response_types_supported": []}, "response_types_supported"),
    "response-types": ({"response_types_supported": "code"}, "response_types_supported"),
    "no-authorization-endpoint": ({"authorization_endpoint": ABSENT}, "authorization_endpoint"),
    "no-token-endpoint": ({"token_endpoint": ABSENT}, "token_endpoint"),
    "only-code": (
        {"token_endpoint": ABSENT, "grant_types_supported": ["authorization_code"]},
        "token_endpoint",
    ),
    "grants": ({"grant_types_supported": "implicit"}, "grant_types_supported"),
    "grants-null": ({"grant_types_supported": None}, "grant_types_supported"),
    "grants-numbers": ({"grant_types_supported": [["implicit"]]}, "grant_types_supported"),
    **{
        f"http-{name}": ({name: "http://op.test/x"}, name)
        for name in (
            *("authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint"),
            *("revocation_endpoint", "introspection_endpoint", "userinfo_endpoint"),
            "end_session_endpoint",
        )
    },
    "endpoint-null": ({"revocation_endpoint": None}, "revocation_endpoint"),
    "endpoint-list": ({"token_endpoint": [f"{ISSUER}/token"]}, "token_endpoint"),
    "scopes": ({"scopes_supported": "openid email"}, "scopes_supported"),
    "scopes-numbers": ({"scopes_supported": ["openid", 5]}, "scopes_supported"),
    "modes-null": ({"response_modes_supported": None}, "response_modes_supported"),
    "locales": ({"ui_locales_supported": {"en": 1}}, "ui_locales_supported"),
    "challenge": ({"code_challenge_methods_supported": "S256"}, "code_challenge_methods_supported"),
    "docs": ({"service_documentation": "see the wiki"}, "service_documentation"),
    "policy": ({"op_policy_uri": None}, "op_policy_uri"),
    "tos": ({"op_tos_uri": "javascript:alert(1)"}, "op_tos_uri"),
    "switch": (
        {"authorization_response_iss_parameter_supported": "true"},
        "authorization_response_iss_parameter_supported",
    ),
    **{
        f"{endpoint}-{name}": (
            {
                f"{endpoint}_endpoint_auth_methods_supported": methods,
                f"{endpoint}_endpoint_auth_signing_alg_values_supported": algs,
            },
            f"{endpoint}_endpoint_auth_signing_alg_values_supported",
        )
        for endpoint in ("token", "revocation", "introspection")
        for name, methods, algs in [
            ("private-key-without-algs", ["private_key_jwt"], ABSENT),
            ("secret-without-algs", ["client_secret_basic", "client_secret_jwt"], ABSENT),
            ("empty-algs", ["client_secret_jwt"], []),
            ("none", ["private_key_jwt"], ["RS256", "none"]),
            ("none-unused", ["client_secret_basic"], ["none"]),
        ]
    },
}
#: The same for what only OpenID Connect demands.
NOT_OPENID: dict[str, tuple[dict[str, Any], str]] = {
    **{
        f"no-{name}": ({name: ABSENT}, name)
        for name in (
            "jwks_uri",
            "subject_types_supported",
            "id_token_signing_alg_values_supported",
        )
    },
    "without-rs256": (
        {"id_token_signing_alg_values_supported": ["ES256"]},
        "id_token_signing_alg_values_supported",
    ),
    "subject-types": ({"subject_types_supported": ["secret"]}, "subject_types_supported"),
    "display": ({"display_values_supported": ["hologram"]}, "display_values_supported"),
    "claim-types": ({"claim_types_supported": ["odd"]}, "claim_types_supported"),
    "acr": ({"acr_values_supported": "gold"}, "acr_values_supported"),
    "claims": ({"claims_supported": "sub"}, "claims_supported"),
    "userinfo-alg": (
        {"userinfo_signing_alg_values_supported": "RS256"},
        "userinfo_signing_alg_values_supported",
    ),
    **{
        name: ({name: "true"}, name)
        for name in (
            *("claims_parameter_supported", "request_parameter_supported"),
            *("request_uri_parameter_supported", "require_request_uri_registration"),
        )
    },
}


# -- where they stand ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("issuer", "rfc8414", "discovery"),
    [
        (
            "https://op.test",
            "/.well-known/oauth-authorization-server",
            "/.well-known/openid-configuration",
        ),
        (
            "https://op.test/",
            "/.well-known/oauth-authorization-server",
            "/.well-known/openid-configuration",
        ),
        (
            "https://op.test/a/b",
            "/.well-known/oauth-authorization-server/a/b",
            "/a/b/.well-known/openid-configuration",
        ),
        (
            "http://localhost:5000/a/",
            "/.well-known/oauth-authorization-server/a",
            "/a/.well-known/openid-configuration",
        ),
    ],
)
def test_well_known_urls(issuer: str, rfc8414: str, discovery: str) -> None:
    origin = "/".join(issuer.split("/")[:3])

    assert oauth2.get_well_known_url(issuer) == rfc8414
    assert oauth2.get_well_known_url(issuer, external=True) == origin + rfc8414
    assert oidc.get_well_known_url(issuer) == discovery
    assert oidc.get_well_known_url(issuer, external=True) == origin + discovery
    assert {origin + rfc8414, origin + discovery} <= set(well_known_urls(issuer))


def test_well_known_name_may_be_another() -> None:
    url = oauth2.get_well_known_url("https://op.test/a", True, suffix="openid-configuration")

    assert url == "https://op.test/.well-known/openid-configuration/a"
    assert url in well_known_urls("https://op.test/a")


@pytest.mark.parametrize(
    "issuer", ["", "op.test", "https://op.test?x=1", "https://op.test#x", "https://u:p@op.test"]
)
def test_what_is_no_issuer_has_no_metadata(issuer: str) -> None:
    for get_well_known_url in (oauth2.get_well_known_url, oidc.get_well_known_url):
        with pytest.raises(ValueError, match="issuer") as caught:
            get_well_known_url(issuer)
        assert isinstance(caught.value, MetadataError)


# -- attributes ---------------------------------------------------------------------------------


def test_members_are_attributes() -> None:
    document = OpenIDProviderMetadata(GOOD, userinfo_endpoint=f"{ISSUER}/me", extra=1)

    assert document.token_endpoint == document["token_endpoint"] == f"{ISSUER}/token"
    assert document.userinfo_endpoint == f"{ISSUER}/me"
    assert document.op_tos_uri is None
    for name in ("extra", "nonsense", "validate_issuer"):
        with pytest.raises(AttributeError, match=name):
            getattr(document, name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OpenIDProviderMetadata.DEFAULTS)
def test_absent_member_means_its_default(
    kind: type[AuthorizationServerMetadata], name: str
) -> None:
    if name not in kind.REGISTRY_KEYS:
        assert not hasattr(kind(), name)
        return
    default = getattr(kind(), name)

    assert default == kind.DEFAULTS[name]
    if isinstance(default, list):
        default.append("changed")
        assert "changed" not in getattr(kind(), name)


def test_null_is_not_absent() -> None:
    assert AuthorizationServerMetadata(grant_types_supported=None).grant_types_supported is None


# -- validation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED)
def test_document_that_keeps_the_rules(
    kind: type[AuthorizationServerMetadata], changes: dict[str, Any]
) -> None:
    document = kind(edit(GOOD, **changes))
    document.validate()

    assert document == edit(GOOD, **changes)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("changes", "member"), REJECTED.values(), ids=REJECTED)
def test_document_that_breaks_a_rule(
    kind: type[AuthorizationServerMetadata], changes: dict[str, Any], member: str
) -> None:
    with pytest.raises(ValueError, match=member) as caught:
        kind(edit(GOOD, **changes)).validate()

    assert isinstance(caught.value, MetadataError)
    assert caught.value.error == "invalid_metadata"
    assert caught.value.detail["member"] == member


@pytest.mark.parametrize("issuer", [f"{ISSUER}?x=1", f"{ISSUER}#x", "op.test", 5, ["x"]])
@pytest.mark.parametrize("kind", KINDS)
def test_issuer_has_neither_query_nor_fragment(
    kind: type[AuthorizationServerMetadata], issuer: Any
) -> None:
    with pytest.raises(MetadataError, match="issuer"):
        kind(edit(GOOD, issuer=issuer)).validate()


@pytest.mark.parametrize(("changes", "member"), NOT_OPENID.values(), ids=NOT_OPENID)
def test_openid_demands_more(changes: dict[str, Any], member: str) -> None:
    document = edit(GOOD, **changes)

    AuthorizationServerMetadata(document).validate()
    with pytest.raises(MetadataError, match=member) as caught:
        OpenIDProviderMetadata(document).validate()
    assert caught.value.detail["member"] == member


def test_development_provider_keeps_the_rules(provider: DevelopmentProvider) -> None:
    OpenIDProviderMetadata(metadata(provider)).validate()


class Extension(dict[str, Any]):
    """Members of a specification of its own, checked one by one."""

    REGISTRY_KEYS = ("hello", "unchecked")

    def validate_hello(self) -> None:
        if self.get("hello") != "world":
            raise ValueError('"hello" must be "world"')


class Wholesale(dict[str, Any]):
    """Members of another, checked at once."""

    def validate(self) -> None:
        if "all" not in self:
            raise ValueError('"all" is missing')


class Own(AuthorizationServerMetadata):
    """The base's members and one more."""

    REGISTRY_KEYS = (*AuthorizationServerMetadata.REGISTRY_KEYS, "hello")

    def validate_hello(self) -> None:
        if self.hello != "world":
            raise ValueError('"hello" must be "world"')


def test_further_classes_check_further_members() -> None:
    extensions = [Extension, Wholesale]

    AuthorizationServerMetadata(GOOD, hello="world", all=1).validate(extensions)
    AuthorizationServerMetadata(GOOD).validate()
    with pytest.raises(ValueError, match="hello"):
        AuthorizationServerMetadata(GOOD, all=1).validate(extensions)
    with pytest.raises(ValueError, match="all"):
        AuthorizationServerMetadata(GOOD, hello="world").validate(metadata_classes=extensions)
    with pytest.raises(MetadataError, match="jwks_uri"):
        AuthorizationServerMetadata(edit(GOOD, jwks_uri=ABSENT)).validate([OpenIDProviderMetadata])


def test_subclass_checks_members_of_its_own() -> None:
    Own(GOOD, hello="world").validate()
    with pytest.raises(ValueError, match="hello"):
        Own(GOOD).validate()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@settings(
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.sampled_from(KINDS),
    st.dictionaries(st.sampled_from(OpenIDProviderMetadata.REGISTRY_KEYS), VALUES, max_size=4),
)
def test_whatever_the_document_is_the_error_is_ours(
    kind: type[AuthorizationServerMetadata], changes: dict[str, Any]
) -> None:
    refusal = None
    try:
        kind(edit(GOOD, **changes)).validate()
    except MetadataError as error:
        refusal = error

    assert refusal is None or refusal.error == "invalid_metadata"
