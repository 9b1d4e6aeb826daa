"""The requests that these tests send, and the secrets in them."""

from __future__ import annotations

from flask_oauthclient.protocol.messages import Purpose
from flask_oauthclient.protocol.messages import Request

ACCESS_TOKEN = "the-access-token-of-the-transport-tests"
CODE = "the-code-of-the-transport-tests"
BASIC = "Basic dGhlLWNsaWVudDp0aGUtc2VjcmV0LW9mLXRoZS1jbGllbnQ="


def message(purpose: str, url: str) -> Request:
    """A request as the protocol makes it for a purpose."""
    if purpose in ("token", "revocation", "introspection"):
        return Request(
            Purpose(purpose),
            "POST",
            url,
            {"Authorization": BASIC, "Content-Type": "application/x-www-form-urlencoded"},
            f"grant_type=authorization_code&code={CODE}",
        )
    headers = {"Authorization": f"Bearer {ACCESS_TOKEN}"} if purpose == "userinfo" else {}
    return Request(Purpose(purpose), "GET", url, headers)


#: What carries a credential, or decides about one: no redirect is followed.
CREDENTIAL_PURPOSES = ("token", "revocation", "introspection", "userinfo", "metadata", "jwks")
SECRETS = (ACCESS_TOKEN, CODE, BASIC)
