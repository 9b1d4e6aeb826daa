"""The examples of the specifications."""

from __future__ import annotations

import json

import pytest

from flask_oauthclient.protocol.errors import IDTokenError
from flask_oauthclient.protocol.jose import ASYMMETRIC
from flask_oauthclient.protocol.jose import SYMMETRIC
from flask_oauthclient.protocol.jwt import read_object
from flask_oauthclient.protocol.jwt import split_compact
from flask_oauthclient.protocol.oidc.id_token import Expected
from flask_oauthclient.protocol.oidc.id_token import check_hash
from flask_oauthclient.protocol.oidc.id_token import half_hash
from flask_oauthclient.protocol.oidc.id_token import verify_id_token
from flask_oauthclient.protocol.oidc.jwks import JWKSet

#: OpenID Connect Core 1.0, appendix A.7.
CORE_KEY = {
    "kty": "RSA",
    "kid": "1e9gdk7",
    "n": "w7Zdfmece8iaB0kiTY8pCtiBtzbptJmP28nSWwtdjRu0f2GFpajvWE4VhfJAjEsOcwYzay7XGN0b-X84BfC8hmCTO"
    "j2b2eHT7NsZegFPKRUQzJ9wW8ipn_aDJWMGDuB1XyqT1E7DYqjUCEOD1b4FLpy_xPn6oV_TYOfQ9fZdbE5HGxJUzekuGcO"
    "KqOQ8M7wfYHhHHLxGpQVgL0apWuP2gDDOdTtpuld4D2LK1MZK99s9gaSjRHE8JDb1Z4IGhEcEyzkxswVdPndUWzfvWBBWXW"
    "xtSUvQGBRkuy1BHOa4sP6FKjWEeeF7gm7UMs2Nm2QUgNZw6xvEDGaLk4KASdIxRQ",
    "e": "AQAB",
}
#: OpenID Connect Core 1.0, appendix A.2: the ID token of response_type=id_token.
CORE_ID_TOKEN = (
    "eyJraWQiOiIxZTlnZGs3IiwiYWxnIjoiUlMyNTYifQ.ewogImlzcyI6ICJodHRwOi8vc2VydmVyLmV4YW1wbGUuY29tIiwK"
    "ICJzdWIiOiAiMjQ4Mjg5NzYxMDAxIiwKICJhdWQiOiAiczZCaGRSa3F0MyIsCiAibm9uY2UiOiAibi0wUzZfV3pBMk1qIiwK"
    "ICJleHAiOiAxMzExMjgxOTcwLAogImlhdCI6IDEzMTEyODA5NzAsCiAibmFtZSI6ICJKYW5lIERvZSIsCiAiZ2l2ZW5fbmFt"
    "ZSI6ICJKYW5lIiwKICJmYW1pbHlfbmFtZSI6ICJEb2UiLAogImdlbmRlciI6ICJmZW1hbGUiLAogImJpcnRoZGF0ZSI6ICIw"
    "MDAwLTEwLTMxIiwKICJlbWFpbCI6ICJqYW5lZG9lQGV4YW1wbGUuY29tIiwKICJwaWN0dXJlIjogImh0dHA6Ly9leGFtcGxl"
    "LmNvbS9qYW5lZG9lL21lLmpwZyIKfQ.rHQjEmBqn9Jre0OLykYNnspA10Qql2rvx4FsD00jwlB0Sym4NzpgvPKsDjn_wMkHx"
    "cp6CilPcoKrWHcipR2iAjzLvDNAReF97zoJqq880ZD1bwY82JDauCXELVR9O6_B0w3K-E7yM2macAAgNCUwtik6SjoSUZRcf"
    "-O5lygIyLENx882p6MtmwaL1hd6qn5RZOQ0TLrOYu0532g9Exxcm-ChymrB4xLykpDj3lUivJt63eEGGN6DH5K6o33TcxkIj"
    "NrCD4XB1CKKumZvCedgHHF3IAK4dVEDSUoGlH9z4pP_eWYNXvqQOjGs-rDaQzUHl6cQQWNiDpWOl_lxXjQEvQ"
)
CORE_LOGIN = Expected("s6BhdRkqt3", "http://server.example.com", nonce="n-0S6_WzA2Mj")


def test_id_token_of_core_appendix_a() -> None:
    content = verify_id_token(CORE_ID_TOKEN, JWKSet([CORE_KEY]), CORE_LOGIN, now=1_311_281_000)

    assert content.header == {"kid": "1e9gdk7", "alg": "RS256"}
    assert content.claims["sub"] == "248289761001"
    assert content.claims["name"] == "Jane Doe"


@pytest.mark.parametrize(
    ("now", "code"), [(1_311_282_030, "expired_id_token"), (1_311_280_000, "invalid_claim")]
)
def test_id_token_of_core_at_another_time(now: float, code: str) -> None:
    with pytest.raises(IDTokenError) as caught:
        verify_id_token(CORE_ID_TOKEN, JWKSet([CORE_KEY]), CORE_LOGIN, now)

    assert caught.value.error == code


def test_hashes_of_core_appendix_a() -> None:
    """Appendix A.3 (access token) and A.4 (code), for RS256."""
    access_token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
    code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"

    assert half_hash(access_token, "RS256") == "77QmUPtjPfzWtF2AnpK9RQ"
    assert half_hash(code, "RS256") == "LDktKdoQak3Pk0cnXxCltA"
    check_hash({"at_hash": "77QmUPtjPfzWtF2AnpK9RQ"}, "at_hash", access_token, "RS256")


#: RFC 7515 appendix A.1 (the example of RFC 7519 section 3.1): HS256.
RFC_7515_MAC_KEY = {
    "kty": "oct",
    "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
}
#: RFC 7515 appendix A.3: ES256.
RFC_7515_EC_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
#: RFC 8037 appendix A.2: Ed25519.
RFC_8037_KEY = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}
PAYLOAD = (
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
)
EXAMPLES = {
    "HS256": (
        RFC_7515_MAC_KEY,
        (
            f"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{PAYLOAD}"
            ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        ),
    ),
    "ES256": (
        RFC_7515_EC_KEY,
        (
            f"eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}"
            ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
        ),
    ),
    "EdDSA": (
        RFC_8037_KEY,
        (
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
            ".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        ),
    ),
}


@pytest.mark.parametrize("alg", EXAMPLES)
def test_signatures_of_rfc_7515_and_rfc_8037(alg: str) -> None:
    key, token = EXAMPLES[alg]
    keys = JWKSet([key], ASYMMETRIC | SYMMETRIC)
    jwt = split_compact(token)

    keys.verify(alg, None, jwt.signing_input, jwt.signature)

    with pytest.raises(IDTokenError):
        keys.verify(alg, None, jwt.signing_input + b"x", jwt.signature)


def test_payload_of_rfc_7519() -> None:
    claims = read_object(PAYLOAD)

    assert claims == {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}
    assert json.dumps(claims)


def test_unsecured_token_of_rfc_7519() -> None:
    """Section 6.1: well-formed, and refused."""
    with pytest.raises(IDTokenError) as caught:
        split_compact(f"eyJhbGciOiJub25lIn0.{PAYLOAD}.")

    assert caught.value.error == "unsupported_alg"
