"""Keys, registered methods, and copies of a signer."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import NoEncryption
from cryptography.hazmat.primitives.serialization import PrivateFormat
from cryptography.hazmat.primitives.serialization import PublicFormat

from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import UnknownOptionError
from flask_oauthclient.protocol.oauth1 import ClientAuth
from flask_oauthclient.protocol.oauth1 import SignatureRequest
from flask_oauthclient.protocol.oauth1 import rsa
from tests.helpers.leaks import Watch
from tests.protocol.oauth1._signers import FixedAuth
from tests.protocol.oauth1._signers import pem
from tests.protocol.oauth1._signers import rsa_key
from tests.protocol.oauth1._signers import sign
from tests.protocol.oauth1._signers import signer


def rsa_signer(key: Any, **kwargs: Any) -> FixedAuth:
    """A signer with a key."""
    return signer(signature_method="RSA-SHA1", rsa_key=key, **kwargs)


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The keys that are parsed while the test runs."""
    found: list[Any] = []
    load = rsa.load_pem_private_key

    def counted(key: bytes, password: None) -> Any:
        found.append(key)
        return load(key, password)

    monkeypatch.setattr(rsa, "load_pem_private_key", counted)
    return found


# -- the key -----------------------------------------------------------------------------


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_key_may_be_text_or_bytes_or_an_object(form: PrivateFormat) -> None:
    signatures = {
        sign(rsa_signer(key))["oauth_signature"]
        for key in (pem(form), pem(form).encode(), rsa_key())
    }

    assert len(signatures) == 1


def test_secrets_play_no_part() -> None:
    one, other = rsa_signer(pem()), rsa_signer(pem())
    other.client_secret, other.token_secret = "other", "other too"

    assert sign(one) == sign(other)


def test_key_is_parsed_once(parsed: list[Any]) -> None:
    auth = rsa_signer(pem())
    for _ in range(5):
        sign(auth)
        sign(auth.replaced(token="other"))

    assert len(parsed) == 1


def test_key_that_is_set_later_is_parsed_once_for_all_copies(parsed: list[Any]) -> None:
    auth = signer()
    auth.signature_method, auth.rsa_key = "RSA-SHA256", pem()
    for _ in range(5):
        sign(auth.replaced(token="other"))
    sign(auth)

    assert len(parsed) == 1


def test_another_key_is_used_at_once() -> None:
    auth = rsa_signer(pem())
    before = sign(auth)
    auth.rsa_key = pem(which=1)

    assert sign(auth) != before
    assert sign(auth) == sign(rsa_signer(pem(which=1)))
    assert sign(auth.replaced(rsa_key=pem())) == before
    assert sign(auth) != before


@pytest.mark.parametrize("key", [None, "", b""])
def test_rsa_without_a_key(key: Any) -> None:
    with pytest.raises(InvalidSettingError, match="rsa_key"):
        sign(rsa_signer(key))


def unreadable() -> dict[str, Any]:
    """What is no RSA private key, or not to be read."""
    curve = ec.generate_private_key(ec.SECP256R1())
    plain, encrypted = NoEncryption(), BestAvailableEncryption(b"password")
    return {
        "text": "hush-this-is-no-key",
        "broken": pem()[:200] + pem()[210:],
        "header-only": "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----",
        "not-ascii": "-----BEGIN ключ-----\ud800",
        "elliptic-curve": curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, plain),
        "elliptic-curve-object": curve,
        "encrypted": rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encrypted),
        "public": rsa_key()
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "public-object": rsa_key().public_key(),
        "number": 5,
    }


@pytest.mark.parametrize("name", unreadable())
def test_unreadable_key_is_refused_without_being_shown(name: str, watch: Watch) -> None:
    watch.secret("hush", pem()[100:160])
    key = unreadable()[name]
    with pytest.raises(InvalidSettingError, match="rsa_key") as caught:
        rsa_signer(key)
    later = signer()
    later.signature_method, later.rsa_key = "RSA-SHA512", key
    with pytest.raises(InvalidSettingError, match="rsa_key"):
        sign(later)

    assert caught.value.__context__ is None


def test_key_of_another_method_is_not_looked_at() -> None:
    assert sign(signer(rsa_key="not read"))["oauth_signature"]


# -- methods of one's own ----------------------------------------------------------------


def test_registered_method_is_asked() -> None:
    class Auth(FixedAuth):
        """The class that knows more."""

    asked: list[tuple[ClientAuth, SignatureRequest]] = []

    def method(client: ClientAuth, request: SignatureRequest) -> str:
        asked.append((client, request))
        return "a signature/"

    Auth.register_signature_method("MINE", method)
    auth = Auth("a-client", signature_method="MINE")
    sent = sign(auth, "https://api.test/?a=1", "POST", body="b=2")
    client, request = asked[0]

    assert client is auth
    assert sent["oauth_signature"] == "a signature/"
    assert sent["oauth_signature_method"] == "MINE"
    assert (request.method, request.uri, request.body) == ("POST", "https://api.test/?a=1", "b=2")
    assert request.oauth_params[-1] == ("oauth_consumer_key", "a-client")
    assert request.signature_base_string.startswith("POST&https%3A%2F%2Fapi.test%2F&a%3D1%26b%3D2")


def test_registration_reaches_subclasses_but_no_base_class() -> None:
    class Parent(ClientAuth):
        """In the middle."""

    class Child(Parent):
        """At the end."""

    Child.register_signature_method("OF-CHILD", lambda client, request: "c")
    Parent.register_signature_method("OF-PARENT", lambda client, request: "p")
    Child.register_signature_method("HMAC-SHA1", lambda client, request: "changed")

    assert sign(Child("c", signature_method="OF-PARENT"))["oauth_signature"] == "p"
    assert sign(Child("c"))["oauth_signature"] == "changed"
    assert sign(Parent("c"))["oauth_signature"] != "changed"
    for kind in (Parent, ClientAuth):
        with pytest.raises(InvalidSettingError):
            kind("c", signature_method="OF-CHILD")
    with pytest.raises(InvalidSettingError):
        ClientAuth("c", signature_method="OF-PARENT")


# -- copies ------------------------------------------------------------------------------


def test_replaced_leaves_the_original_alone() -> None:
    auth = signer(realm="r")
    other = auth.replaced(token="t2", token_secret="s2", realm=None)

    assert type(other) is FixedAuth
    assert (other.token, other.token_secret, other.realm) == ("t2", "s2", None)
    assert other.client_secret == "a-client-secret"
    assert (auth.token, auth.token_secret, auth.realm) == ("a-token", "a-token-secret", "r")


def test_replaced_keeps_what_a_subclass_adds() -> None:
    auth: Any = signer()
    auth.insecure_http = True

    assert auth.replaced(token="t").insecure_http is True


@pytest.mark.parametrize("name", ["tokn", "_parsed_keys", "prepare"])
def test_replaced_refuses_what_is_no_setting(name: str) -> None:
    with pytest.raises(UnknownOptionError, match=name):
        signer().replaced(**{name: "hush"})


def test_repr_shows_no_secret() -> None:
    auth = signer(verifier="a-verifier", signature_method="RSA-SHA1", rsa_key=pem())

    assert repr(auth) == str(auth) == "<FixedAuth 'a-client' RSA-SHA1 HEADER>"


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda auth: pickle.loads(pickle.dumps(auth))]
)
def test_copies_sign_alike_and_show_no_secret(duplicate: Any) -> None:
    auth = rsa_signer(pem())
    before = sign(auth)
    other = duplicate(auth)

    assert sign(other) == before
    assert repr(other) == repr(auth)
    other.token = "other"
    assert sign(auth) == before
