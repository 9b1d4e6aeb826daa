"""The names that users of the established client know, each at its place here."""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
from typing import Any

import joserfc.errors as jose
import pytest

import flask_oauthclient
from flask_oauthclient.protocol import errors
from flask_oauthclient.protocol.oauth2.client import OAuth2Client
from flask_oauthclient.protocol.oauth2.token import parse_token_response
from tests.protocol._answers import answer

PLACES: dict[str, str] = {
    "flask_oauthclient": "OAuth OAuthError FlaskOAuth1App FlaskOAuth2App FlaskRemoteApp "
    "FlaskIntegration token_update",
    "flask_oauthclient.flask_client": "OAuth OAuthError FlaskOAuth1App FlaskOAuth2App "
    "FlaskRemoteApp FlaskIntegration token_update",
    "flask_oauthclient.requests_client": "OAuth1Session OAuth1Auth OAuth2Session OAuth2Auth "
    "AssertionSession OAuthError SIGNATURE_HMAC_SHA1 SIGNATURE_RSA_SHA1 SIGNATURE_PLAINTEXT "
    "SIGNATURE_TYPE_HEADER SIGNATURE_TYPE_QUERY SIGNATURE_TYPE_BODY",
    "flask_oauthclient.registry": "BaseApp OAuth1Mixin OAuth2Mixin OpenIDMixin "
    "FrameworkIntegration OAuthError MissingRequestTokenError MissingTokenError TokenExpiredError "
    "InvalidTokenError UnsupportedTokenTypeError MismatchingStateError",
    "flask_oauthclient.protocol": "generate_token is_secure_transport add_params_to_uri "
    "url_encode url_decode",
    "flask_oauthclient.protocol.oauth1": "ClientAuth OAuth1Client SIGNATURE_HMAC_SHA1 "
    "SIGNATURE_RSA_SHA1 SIGNATURE_PLAINTEXT SIGNATURE_TYPE_HEADER SIGNATURE_TYPE_QUERY "
    "SIGNATURE_TYPE_BODY",
    "flask_oauthclient.protocol.oauth2": "OAuth2Client ClientAuth TokenAuth OAuth2Error "
    "OAuth2Token ClientSecretJWT PrivateKeyJWT AssertionClient create_s256_code_challenge "
    "get_well_known_url AuthorizationServerMetadata MissingCodeException MissingTokenException "
    "MissingTokenTypeException MismatchingStateException",
    "flask_oauthclient.protocol.oidc": "UserInfo IDToken CodeIDToken ImplicitIDToken "
    "HybridIDToken get_claim_cls_by_response_type get_well_known_url OpenIDProviderMetadata",
    "flask_oauthclient.protocol.errors": "OAuthError OAuth2Error MissingRequestTokenError "
    "MissingTokenError TokenExpiredError InvalidTokenError UnsupportedTokenTypeError "
    "MismatchingStateError MissingCodeException MissingTokenException MissingTokenTypeException "
    "MismatchingStateException",
}
NAMES = [(module, name) for module, names in PLACES.items() for name in names.split()]
#: Packages that import what they name when it is asked for.
LAZY = (
    "flask_oauthclient.registry",
    "flask_oauthclient.protocol",
    "flask_oauthclient.protocol.oauth2",
    "flask_oauthclient.protocol.oidc",
)
CONSTANTS = {
    "SIGNATURE_HMAC_SHA1": "HMAC-SHA1",
    "SIGNATURE_RSA_SHA1": "RSA-SHA1",
    "SIGNATURE_PLAINTEXT": "PLAINTEXT",
    "SIGNATURE_TYPE_HEADER": "HEADER",
    "SIGNATURE_TYPE_QUERY": "QUERY",
    "SIGNATURE_TYPE_BODY": "BODY",
}


@pytest.mark.parametrize(("module", "name"), NAMES, ids=lambda value: value)
def test_name_is_at_its_place(module: str, name: str) -> None:
    package = importlib.import_module(module)

    assert getattr(package, name) is not None
    # ``protocol.errors`` is a module, which exports everything that it defines.
    assert name in getattr(package, "__all__", [name])


@pytest.mark.parametrize("module", PLACES)
def test_every_exported_name_exists(module: str) -> None:
    package = importlib.import_module(module)

    for name in getattr(package, "__all__", []):
        assert getattr(package, name) is getattr(package, name)


@pytest.mark.parametrize("module", LAZY)
def test_lazy_packages_know_no_other_name(module: str) -> None:
    package = importlib.import_module(module)

    assert not hasattr(package, "Nonsense")
    with pytest.raises(AttributeError, match=f"{module}.*Nonsense"):
        package.Nonsense  # noqa: B018
    with pytest.raises(ImportError):
        exec(f"from {module} import Nonsense")


@pytest.mark.parametrize("module", LAZY)
def test_lazy_packages_list_their_names(module: str) -> None:
    package = importlib.import_module(module)

    assert {*package.__all__, "__name__"} <= set(dir(package))


@pytest.mark.parametrize("module", LAZY)
def test_star_import_of_a_lazy_package(module: str) -> None:
    found: dict[str, Any] = {}
    exec(f"from {module} import *", found)

    assert set(importlib.import_module(module).__all__) <= found.keys()


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants_have_the_known_values(name: str) -> None:
    for module in ("flask_oauthclient.requests_client", "flask_oauthclient.protocol.oauth1"):
        assert getattr(importlib.import_module(module), name) == CONSTANTS[name]


@pytest.mark.parametrize(("module", "name"), NAMES, ids=lambda value: value)
def test_errors_are_one_tree(module: str, name: str) -> None:
    found = getattr(importlib.import_module(module), name)
    if isinstance(found, type) and issubclass(found, Exception):
        assert issubclass(found, flask_oauthclient.OAuthError)
        assert getattr(errors, name) is found


# -- what the old names stand for -------------------------------------------------------------


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("OAuth2Error", "OAuthError"),
        ("MissingCodeException", "MissingCodeError"),
        ("MissingTokenException", "MissingAccessTokenError"),
        ("MissingTokenTypeException", "MissingTokenTypeError"),
        ("MismatchingStateException", "MismatchingStateError"),
    ],
)
def test_aliases_of_errors(alias: str, name: str) -> None:
    assert getattr(errors, alias) is getattr(errors, name)


def test_new_errors_are_told_apart_by_their_code() -> None:
    assert errors.MissingTokenException().error == "missing_access_token"
    assert errors.MissingTokenTypeException().error == "missing_token_type"
    for kind in (errors.MissingTokenException, errors.MissingTokenTypeException):
        error = kind()
        assert isinstance(error, errors.ProviderResponseError)
        assert isinstance(error, ValueError)
        assert type(pickle.loads(pickle.dumps(error))) is kind


def test_metadata_error_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="invalid_metadata"):
        raise errors.MetadataError


def test_immature_id_token_is_what_joserfc_raises() -> None:
    error = errors.ImmatureIDTokenError()

    assert isinstance(error, errors.InvalidClaimError)
    assert isinstance(error, jose.InvalidTokenError)
    assert isinstance(error, jose.InvalidClaimError)
    assert error.error == "invalid_claim"


def test_token_response_without_token_is_caught_by_its_old_name() -> None:
    with pytest.raises(errors.MissingTokenException) as caught:
        parse_token_response(answer({"token_type": "Bearer"}))

    assert caught.value.error == "missing_access_token"


@pytest.mark.parametrize(
    ("url", "alias", "read"),
    [
        ("https://me.test/cb?state=s", "MissingCodeException", "read_authorization_response"),
        ("https://me.test/cb?code=c", "MismatchingStateException", "read_authorization_response"),
        ("https://me.test/cb#state=s&token_type=Bearer", "MissingTokenException", "read_fragment"),
        ("https://me.test/cb#state=s&access_token=a", "MissingTokenTypeException", "read_fragment"),
        ("https://me.test/cb#state=x&access_token=a", "MismatchingStateException", "read_fragment"),
        ("https://me.test/cb?error=access_denied&state=s", "OAuth2Error", "read_fragment"),
    ],
)
def test_bad_authorization_responses_are_caught_by_the_old_names(
    url: str, alias: str, read: str
) -> None:
    client = OAuth2Client("me")

    with pytest.raises(getattr(errors, alias)):
        getattr(client, read)(url, "s")


def test_bases_of_the_registry_combine_as_mixins() -> None:
    from flask_oauthclient import FlaskOAuth1App
    from flask_oauthclient import FlaskOAuth2App
    from flask_oauthclient.registry import BaseApp
    from flask_oauthclient.registry import OAuth1Mixin
    from flask_oauthclient.registry import OAuth2Mixin
    from flask_oauthclient.registry import OpenIDMixin

    class App(OAuth2Mixin, OpenIDMixin, BaseApp):
        pass

    class OldApp(OAuth1Mixin, BaseApp):
        pass

    assert issubclass(FlaskOAuth2App, OAuth2Mixin)
    assert issubclass(FlaskOAuth2App, OpenIDMixin)
    assert issubclass(FlaskOAuth1App, OAuth1Mixin)
    for name in ("create_authorization_url", "fetch_access_token", "load_server_metadata"):
        assert callable(getattr(App, name))
    for name in ("fetch_jwk_set", "userinfo", "parse_id_token"):
        assert callable(getattr(App, name))
    assert callable(OldApp.create_authorization_url)


# -- what an import costs ---------------------------------------------------------------------

PROGRAM = """
import sys
{before}
known = set(sys.modules)
import {module}
print("\\n".join(set(sys.modules) - known))
"""
#: What the JOSE library says of itself by its errors is light; its machinery is not.
HEAVY = ("requests", "urllib3", "cryptography", "joserfc.jwk", "joserfc.jws", "joserfc.jwt")


def loaded_by(module: str, before: str = "") -> set[str]:
    """The modules that an import adds in a fresh interpreter."""
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(module=module, before=before)],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(finished.stdout.split())


def test_import_of_the_package_loads_nothing_heavy() -> None:
    loaded = loaded_by("flask_oauthclient")

    assert not loaded.intersection(HEAVY)
    assert {name for name in loaded if name.startswith("joserfc")} <= {"joserfc", "joserfc.errors"}


@pytest.mark.parametrize("module", LAZY)
def test_import_of_a_lazy_package_loads_none_of_its_modules(module: str) -> None:
    loaded = loaded_by(module, before="import flask_oauthclient")

    assert not loaded.intersection(HEAVY)
    assert {name for name in loaded if name.startswith(f"{module}.")} <= {
        f"{module}.errors",
        f"{module}.lazy",
    }


def test_a_protocol_module_does_not_load_the_others() -> None:
    loaded = loaded_by("flask_oauthclient.protocol.oauth2.token")

    ours = {name for name in loaded if name.startswith("flask_oauthclient.protocol.oauth2.")}
    assert "flask_oauthclient.protocol.oauth2.client" not in ours
    assert not loaded.intersection(HEAVY)
