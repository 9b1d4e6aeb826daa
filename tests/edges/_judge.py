"""ID tokens that come in a login.

The tests of ID tokens ask ``verify_id_token`` for its judgement. Here a whole login has to judge:
the token endpoint of the provider answers with that token, its key set is the one of the test, and
what the test expects is what the login has asked for. So every row of theirs runs at every edge.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from flask_oauthclient import OAuthError
from flask_oauthclient.protocol import jose
from flask_oauthclient.protocol.oidc.id_token import Expected
from flask_oauthclient.protocol.oidc.jwks import JWKSet
from flask_oauthclient.testing.browser import Visit
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.helpers.rejection import assert_typed
from tests.helpers.site import ISSUER
from tests.helpers.site import SCOPE
from tests.helpers.site import Site
from tests.protocol._keys import SECRET
from tests.protocol._login import ACCESS_TOKEN
from tests.protocol._login import CODE
from tests.protocol._login import STATE

#: What may be asked of the provider: the token, its keys, and once more for a key that is new.
_SENT = (["/token"], ["/token", "/jwks"], ["/token", "/jwks", "/jwks"])


class PublishedKeys(JWKSet):
    """A key set that remembers what it was made of."""

    __slots__ = ("published", "secret")

    def __init__(self, jwks: Any, *args: Any) -> None:
        self.published = list(jwks)
        self.secret: str | None = None
        super().__init__(self.published, *args)

    @classmethod
    def from_secret(cls, secret: str) -> PublishedKeys:
        """The key of a client that registered an HMAC algorithm."""
        keys = cls(())
        keys.secret = secret
        return keys


class Judge:
    """Judges ID tokens by logins.

    :param provider: the provider.
    :param make_site: makes the sites of the edge.
    """

    def __init__(self, provider: DevelopmentProvider, make_site: Callable[..., Site]) -> None:
        self._provider = provider
        self._make_site = make_site
        #: How many logins there were.
        self.count = 0

    def __call__(self, token: Any, keys: PublishedKeys, expected: Expected, now: float) -> Any:
        """Judge a token.

        :raises IDTokenError: if the login fails by it.
        """
        self.count += 1
        self._provider.faults.clear()
        self._provider.faults.on("token").respond_json(
            {"access_token": ACCESS_TOKEN, "token_type": "Bearer", "id_token": token}
        )
        self._provider.faults.on("jwks").respond_json({"keys": keys.published})
        site = self._make_site(register=_registration(keys, expected, token))
        site.login_params = {"state": STATE, **_params(expected)}
        answer = site.browser.send(Visit("GET", site.login_url()))
        assert answer.status_code == 302, site.errors
        query = urlencode({"code": CODE, "state": STATE, "iss": expected.issuer or ISSUER})
        return _outcome(site, Visit("GET", f"{site.callback_url()}?{query}"), token)


def _registration(keys: PublishedKeys, expected: Expected, token: Any) -> dict[str, Any]:
    """What a site registers that expects this."""
    oldest = expected.max_token_age
    return {
        "issuer": None,
        "client_id": expected.client_id,
        "client_secret": SECRET if keys.secret is None else keys.secret,
        "authorize_url": f"{ISSUER}/authorize",
        "access_token_url": f"{ISSUER}/token",
        "server_metadata": _metadata(keys, expected, token),
        "client_kwargs": {"scope": SCOPE if expected.nonce else "api"},
        "trusted_audiences": expected.trusted_audiences or None,
        "leeway": expected.leeway,
        "id_token_max_age": math.inf if oldest is None else oldest,
        "id_token_signed_response_alg": _registered_alg(keys, expected, token),
    }


def _metadata(keys: PublishedKeys, expected: Expected, token: Any) -> dict[str, Any]:
    """What it knows of the server."""
    known = {} if expected.issuer is None else {"issuer": expected.issuer}
    allows_mac = bool(expected.algs & jose.SYMMETRIC) and str(_stated_alg(token)).startswith("HS")
    if keys.secret is None and allows_mac:
        return {**known, "jwks": {"keys": keys.published}}  # MACs: only by keys given in code
    return {**known, "jwks_uri": f"{ISSUER}/jwks"}


def _registered_alg(keys: PublishedKeys, expected: Expected, token: Any) -> str | None:
    """The one algorithm that it has registered."""
    allowed = expected.algs & jose.SYMMETRIC if keys.secret is not None else expected.algs
    if keys.secret is None and len(allowed) > 1:
        return None
    stated = _stated_alg(token)
    return stated if isinstance(stated, str) and stated in allowed else min(allowed)


def _stated_alg(token: Any) -> Any:
    return _header(token).get("alg")


def _header(token: Any) -> dict[str, Any]:
    """The header of a token, as far as it has one."""
    segment = str(token).partition(".")[0]
    try:
        content = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _params(expected: Expected) -> dict[str, Any]:
    """What a login asks for that expects this."""
    params: dict[str, Any] = {"nonce": expected.nonce} if expected.nonce else {}
    params |= {} if expected.max_age is None else {"max_age": expected.max_age}
    values = list(expected.acr_values)
    if expected.acr_essential:
        demand = {"essential": True, **({"values": values} if values else {})}
        params["claims"] = json.dumps({"id_token": {"acr": demand}})
    elif values:
        params["acr_values"] = " ".join(values)
    return params


def _outcome(site: Site, visit: Visit, token: Any) -> Any:
    """Complete the login, once to see how it ends, and once more if it must be rejected."""
    site.outbound.clear()
    response = site.finish(visit)
    sent = site.outbound.paths
    assert sent in _SENT, (sent, site.errors)
    if site.tokens:
        assert (response.status_code, site.errors) == (200, [])
        return SimpleNamespace(claims=dict(site.token["userinfo"]), header=_header(token))
    raise _rejection(site, visit, response, len(sent))


def _rejection(site: Site, visit: Visit, response: Any, asked: int) -> OAuthError:
    [error] = site.errors
    assert asked < 3 or error.error in ("bad_signature", "unknown_key")
    assert response.status_code == error.http_status
    assert 400 <= response.status_code < 600
    assert response.text == error.error
    assert_typed(error, error.error)
    assert "user" not in site.session()
    # Used up: the same visit once more asks nobody anything.
    assert site.finish(visit).text == "state_used"
    assert len(site.outbound.paths) == asked
    assert site.tokens == []
    return error
