"""Options of a registration (CONTRACT: configuration from the framework; row K05)."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from flask_oauthclient.protocol.errors import UnknownOptionError
from flask_oauthclient.registry import options
from flask_oauthclient.registry.options import METADATA_NAMES
from flask_oauthclient.registry.options import NAMES
from flask_oauthclient.registry.options import OAUTH2_KEYWORDS
from flask_oauthclient.registry.options import ClientOptions
from flask_oauthclient.registry.settings import known_issuer

#: What users of the established client can set from the configuration.
THIRTEEN = [
    "client_id",
    "client_secret",
    "request_token_url",
    "request_token_params",
    "access_token_url",
    "access_token_params",
    "refresh_token_url",
    "refresh_token_params",
    "authorize_url",
    "authorize_params",
    "api_base_url",
    "client_kwargs",
    "server_metadata_url",
]
ALL = sorted({*NAMES, *METADATA_NAMES})


@pytest.mark.parametrize(
    ("keyword", "meant"),
    [
        ("client_secrt", "client_secret"),
        ("clientid", "client_id"),
        ("acces_token_url", "access_token_url"),
        ("authorise_url", "authorize_url"),
        ("server_metdata_url", "server_metadata_url"),
        ("userinfo_endpont", "userinfo_endpoint"),
        ("jwks_url", "jwks_uri"),
        ("token_endpoint_auth_methods", "token_endpoint_auth_method"),
        ("insecure_htp", "insecure_http"),
        ("id_token_signing_alg", "id_token_signed_response_alg"),
    ],
)
def test_k05_misspelt_option_names_the_right_one(keyword: str, meant: str) -> None:
    with pytest.raises(UnknownOptionError) as caught:
        options.check_keywords("github", {"client_id": "x", keyword: 1})

    assert isinstance(caught.value, TypeError)
    assert caught.value.error == "unknown_option"
    assert repr(keyword) in caught.value.description
    assert repr(meant) in caught.value.description
    assert "github" in caught.value.description


@pytest.mark.parametrize("keyword", ["quite_something_else", "zzz", "", "Client_Id__"])
def test_k05_unknown_option_is_an_error(keyword: str) -> None:
    with pytest.raises(UnknownOptionError) as caught:
        options.check_keywords("github", {keyword: 1})

    assert caught.value.error == "unknown_option"


def test_value_of_an_unknown_option_is_not_shown() -> None:
    with pytest.raises(UnknownOptionError) as caught:
        options.check_keywords("github", {"client_secrt": "the-secret-value"})

    assert "the-secret-value" not in repr(vars(caught.value))


@pytest.mark.parametrize("keyword", ALL)
def test_every_option_and_metadata_name_is_accepted(keyword: str) -> None:
    given = {keyword: object()}
    known = options.check_keywords("github", given)

    assert known == given
    assert known is not given


@pytest.mark.parametrize(
    "keyword", ["fetch_request_token", "save_request_token", "access_token_method", "encoding"]
)
def test_keywords_of_old_clients_are_left_out_with_a_warning(keyword: str) -> None:
    with pytest.warns(DeprecationWarning, match=keyword):
        known = options.check_keywords("github", {"client_id": "x", keyword: 1})

    assert known == {"client_id": "x"}


@pytest.mark.parametrize("keyword", [*OAUTH2_KEYWORDS, "token_endpoint"])
def test_session_keywords_are_accepted(keyword: str) -> None:
    options.check_client_kwargs("github", {keyword: 1})


@pytest.mark.parametrize(
    ("keyword", "meant"),
    [("scopes", "scope"), ("time_out", "timeout"), ("code_challenge", "code_challenge_method")],
)
def test_misspelt_session_keyword_names_the_right_one(keyword: str, meant: str) -> None:
    with pytest.raises(UnknownOptionError) as caught:
        options.check_client_kwargs("github", {"scope": "x", keyword: 1})

    assert repr(meant) in caught.value.description


@pytest.mark.parametrize("option", ALL)
def test_every_option_can_come_from_the_configuration(option: str) -> None:
    value = object()

    assert options.from_config("my_app", {f"MY_APP_{option.upper()}": value}) == {option: value}


@pytest.mark.parametrize("option", THIRTEEN)
def test_the_options_that_users_know_are_there(option: str) -> None:
    assert option in NAMES


@pytest.mark.parametrize(
    ("name", "key"),
    [("github", "GITHUB_CLIENT_ID"), ("My-App", "MY-APP_CLIENT_ID"), ("a.b", "A.B_CLIENT_ID")],
)
def test_configuration_key_of_a_client(name: str, key: str) -> None:
    assert options.from_config(name, {key: "x"}) == {"client_id": "x"}


def test_other_keys_of_the_configuration_are_not_read() -> None:
    config = {
        "GITHUB_CLIENT_IDS": 1,
        "GITHUB_ENTERPRISE_CLIENT_ID": 2,
        "github_client_id": 3,
        "CLIENT_ID": 4,
        "GIT_CLIENT_ID": 5,
        "XGITHUB_CLIENT_ID": 6,
        "GITHUB_NONSENSE": 7,
    }

    assert options.from_config("github", config) == {}
    assert options.from_config("git", config) == {"client_id": 5}


MERGED: dict[str, tuple[dict[str, Any], dict[str, Any], bool, dict[str, Any]]] = {
    "code-wins": ({"a": 1}, {"a": 2}, False, {"a": 1}),
    "code-wins-with-none": ({"a": None}, {"a": 2}, False, {"a": None}),
    "absent-in-code": ({}, {"a": 2}, False, {"a": 2}),
    "absent-in-configuration": ({"a": 1}, {}, False, {"a": 1}),
    "configuration-may-be-none": ({}, {"a": None}, False, {"a": None}),
    "dicts-are-not-mixed": ({"a": {"x": 1}}, {"a": {"y": 2}}, False, {"a": {"x": 1}}),
    "overwrite": ({"a": 1, "b": 1}, {"a": 2}, True, {"a": 2, "b": 1}),
    "overwrite-by-nothing": ({"a": 1}, {"a": ""}, True, {"a": 1}),
    "overwrite-by-none": ({"a": 1}, {"a": None}, True, {"a": 1}),
    "overwrite-absent": ({}, {"a": 2}, True, {"a": 2}),
    "overwrite-mixes-dicts": (
        {"a": {"x": 1, "y": 1}},
        {"a": {"y": 2, "z": 2}},
        True,
        {"a": {"x": 1, "y": 2, "z": 2}},
    ),
    "overwrite-no-dict-by-a-dict": ({"a": 1}, {"a": {"y": 2}}, True, {"a": {"y": 2}}),
    "overwrite-a-dict-by-no-dict": ({"a": {"x": 1}}, {"a": 5}, True, {"a": 5}),
    "overwrite-by-an-empty-dict": ({"a": {"x": 1}}, {"a": {}}, True, {"a": {"x": 1}}),
}


@pytest.mark.parametrize(("code", "config", "overwrite", "result"), MERGED.values(), ids=MERGED)
def test_merging(
    code: dict[str, Any], config: dict[str, Any], overwrite: bool, result: dict[str, Any]
) -> None:
    before = repr((code, config))

    assert options.merge(code, config, overwrite=overwrite) == result
    assert repr((code, config)) == before


def test_metadata_is_kept_apart_from_options() -> None:
    chosen, metadata = options.split(
        {
            "client_id": "me",
            "server_metadata": {"token_endpoint": "https://a", "custom": 1},
            "token_endpoint": "https://b",
            "jwks": {"keys": []},
        }
    )

    assert chosen.client_id == "me"
    assert metadata == {"token_endpoint": "https://b", "custom": 1, "jwks": {"keys": []}}


def test_issuer_is_an_option_and_metadata() -> None:
    chosen, metadata = options.split(
        {"issuer": "https://op.test", "server_metadata": {"issuer": "https://other.test"}}
    )

    assert chosen.issuer == metadata["issuer"] == "https://op.test"


def test_given_metadata_is_not_changed() -> None:
    given = {"token_endpoint": "https://a"}
    _, metadata = options.split({"server_metadata": given, "issuer": "https://op.test"})

    metadata["x"] = 1
    assert given == {"token_endpoint": "https://a"}


def test_every_option_is_off_by_default() -> None:
    values = dataclasses.asdict(ClientOptions())

    assert {name: value for name, value in values.items() if value is not None} == {
        "basic_encoding": "form",
        "insecure_http": False,
        "require_callback_confirmed": False,
    }


@pytest.mark.parametrize("option", dataclasses.fields(ClientOptions), ids=lambda o: o.name)
def test_every_option_is_described(option: dataclasses.Field[Any]) -> None:
    doc = option.metadata["doc"]

    assert re.fullmatch(r"[A-Z`][^\n]{20,}\.", doc, re.DOTALL)


@pytest.mark.parametrize("name", NAMES)
def test_deliberate_weakenings_are_named_so(name: str) -> None:
    assert name not in METADATA_NAMES
    assert ("insecure" in name) == (name == "insecure_http")


@pytest.mark.parametrize(
    ("settings", "issuer"),
    [
        ({}, None),
        ({"issuer": "https://op.test/"}, "https://op.test/"),
        ({"server_metadata": {"issuer": "https://op.test"}}, "https://op.test"),
        ({"server_metadata": {"issuer": 5}}, None),
        (
            {"server_metadata_url": "https://op.test/t/.well-known/openid-configuration"},
            "https://op.test/t",
        ),
        (
            {"server_metadata_url": "https://op.test/.well-known/oauth-authorization-server/t"},
            "https://op.test/t",
        ),
        ({"server_metadata_url": "https://op.test/metadata.json"}, None),
        (
            {
                "server_metadata_url": "https://op.test/.well-known/openid-configuration",
                "issuer": "https://op.test/",
            },
            "https://op.test/",
        ),
    ],
)
def test_issuer_that_follows_from_the_settings(
    settings: dict[str, Any], issuer: str | None
) -> None:
    assert known_issuer(*options.split(settings)) == issuer


def test_options_do_not_show_their_secrets() -> None:
    assert "a-secret-of-ours" not in repr(ClientOptions(client_secret="a-secret-of-ours"))


def test_a_key_of_the_configuration_replaces_that_of_the_code_whole() -> None:
    code, configured = {"kty": "EC", "crv": "P-256", "d": "1"}, {"kty": "oct", "k": "2"}
    merged = options.merge({"client_secret": code}, {"client_secret": configured}, overwrite=True)
    assert merged == {"client_secret": configured}
