"""The claims of an ID token as an object that applications derive from.

:func:`~.id_token.verify_id_token` has made all of its checks before a login comes here. A class
of this file given as ``claims_cls`` repeats those that need no more than the claims, so that a
subclass can add its own, and so that claims from elsewhere can be judged::

    class StaffIDToken(CodeIDToken):
        ESSENTIAL_CLAIMS = (*CodeIDToken.ESSENTIAL_CLAIMS, "email")

        def validate_aud(self):
            super().validate_aud()
            if "intranet" not in self.aud:
                raise InvalidClaimError
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import ClassVar

from ..errors import InvalidSettingError
from ..oauth2.token import seconds
from .claims import check_claims_options
from .id_token import check_audience
from .id_token import check_auth_time
from .id_token import check_authorized_party
from .id_token import check_expiry
from .id_token import check_hash
from .id_token import check_issued_at
from .id_token import check_issuer
from .id_token import check_nonce
from .id_token import check_not_before
from .id_token import check_subject
from .id_token import invalid_claim
from .id_token import required_claim
from .id_token import required_time


class IDToken(dict[str, Any]):
    """Claims of an ID token (OpenID Connect Core section 2); the registered ones are attributes.

    :param claims: the claims. They are copied.
    :param header: the JWT's header; ``alg`` decides which hash ``at_hash`` is made with.
    :param options: demands on single claims, in the form of ``claims_options``.
    :param params: what the claims have to fit: ``client_id``, ``nonce``, ``max_age``,
        ``access_token``, ``code``.
    """

    ESSENTIAL_CLAIMS: ClassVar[Sequence[str]] = ("iss", "sub", "aud", "exp", "iat")
    REGISTERED_CLAIMS: ClassVar[Sequence[str]] = (
        *("iss", "sub", "aud", "exp", "nbf", "iat", "jti"),
        *("auth_time", "nonce", "acr", "amr", "azp", "at_hash", "c_hash", "s_hash"),
    )
    #: The response types that the class is for.
    RESPONSE_TYPES: ClassVar[Sequence[str]] = ()

    def __init__(
        self,
        claims: Mapping[str, Any],
        header: Mapping[str, Any],
        options: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(claims)
        self.header = dict(header)
        self.options = dict(options or {})
        self.params = dict(params or {})

    def __getattr__(self, name: str) -> Any:
        if name in type(self).REGISTERED_CLAIMS:
            return self.get(name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def validate(self, now: float | None = None, leeway: float = 0) -> None:
        """Check the claims.

        :param now: seconds since the epoch; default is this moment.
        :param leeway: seconds by which clocks may differ.
        :raises IDTokenError: for the first check that fails.
        """
        now = time.time() if now is None else now
        for name in self.ESSENTIAL_CLAIMS:
            required_claim(self, name)
        self.validate_iss()
        self.validate_sub()
        self.validate_aud()
        self.validate_exp(now, leeway)
        self.validate_nbf(now, leeway)
        self.validate_iat(now, leeway)
        self.validate_auth_time()
        self.validate_max_age(now, leeway)
        self.validate_nonce()
        self.validate_amr()
        self.validate_azp()
        self.validate_at_hash()
        check_claims_options(self, self.options)

    def validate_iss(self) -> None:
        """``iss`` is a string; which one is a matter of ``options``."""
        check_issuer(self, None)

    def validate_sub(self) -> None:
        """``sub`` is a string of at most 255 ASCII characters."""
        check_subject(self)

    def validate_aud(self) -> None:
        """``aud`` contains our ``client_id``.

        Further audiences are ``azp``'s business here: which are trusted is a setting of the client.
        """
        client_id = self.params.get("client_id")
        if client_id is not None:
            check_audience(self, client_id, frozenset(_strings(self.get("aud"))))

    def validate_exp(self, now: float, leeway: float) -> None:
        """The current time is before ``exp``."""
        check_expiry(self, now, leeway)

    def validate_nbf(self, now: float, leeway: float) -> None:
        """``nbf`` has been reached."""
        check_not_before(self, now, leeway)

    def validate_iat(self, now: float, leeway: float) -> None:
        """``iat`` does not lie in the future."""
        check_issued_at(self, now, leeway, None)

    def validate_auth_time(self) -> None:
        """``auth_time`` is a time, and there if ``max_age`` was sent."""
        if self.get("auth_time") is not None or self.params.get("max_age") is not None:
            required_time(self, "auth_time")

    def validate_max_age(self, now: float, leeway: float) -> None:
        """The user logged in recently enough for ``max_age``."""
        given = self.params.get("max_age")
        max_age = seconds(given)
        if max_age is None and given is not None:
            raise InvalidSettingError(
                "invalid_configuration", "max_age is a number of seconds, zero or more."
            )
        check_auth_time(self, now, leeway, max_age)

    def validate_nonce(self) -> None:
        """``nonce`` is the one of this login."""
        check_nonce(self, self.params.get("nonce"))

    def validate_amr(self) -> None:
        """``amr`` is a list of strings."""
        amr = self.get("amr")
        if amr is not None and not (isinstance(amr, list) and len(_strings(amr)) == len(amr)):
            raise invalid_claim("amr", "it is not a list of strings")

    def validate_azp(self) -> None:
        """``azp`` is our ``client_id``, and there if there are further audiences."""
        client_id = self.params.get("client_id")
        if client_id is not None:
            check_authorized_party(self, client_id)

    def validate_at_hash(self) -> None:
        """``at_hash`` belongs to the access token, if both are there."""
        self._check_hash("at_hash", "access_token")

    def _check_hash(self, claim: str, param: str) -> None:
        check_hash(self, claim, self.params.get(param), str(self.header.get("alg", "")))


class CodeIDToken(IDToken):
    """The ID token of the authorization code flow (Core 3.1.3.6)."""

    RESPONSE_TYPES: ClassVar[Sequence[str]] = ("code",)


class ImplicitIDToken(IDToken):
    """The ID token of the implicit flow (Core 3.2.2.10), which has to have a ``nonce``."""

    ESSENTIAL_CLAIMS: ClassVar[Sequence[str]] = (*IDToken.ESSENTIAL_CLAIMS, "nonce")
    RESPONSE_TYPES: ClassVar[Sequence[str]] = ("id_token", "id_token token")

    def validate_at_hash(self) -> None:
        """``at_hash`` belongs to the access token; if there is one, it is required."""
        if self.params.get("access_token") is not None:
            required_claim(self, "at_hash")
        super().validate_at_hash()


class HybridIDToken(ImplicitIDToken):
    """The ID token that the authorization endpoint issues in the hybrid flow (Core 3.3.2.11)."""

    RESPONSE_TYPES: ClassVar[Sequence[str]] = ("code id_token", "code token", "code id_token token")

    def validate(self, now: float | None = None, leeway: float = 0) -> None:
        """Check the claims, ``c_hash`` among them.

        :param now: seconds since the epoch; default is this moment.
        :param leeway: seconds by which clocks may differ.
        :raises IDTokenError: for the first check that fails.
        """
        super().validate(now, leeway)
        self.validate_c_hash()

    def validate_c_hash(self) -> None:
        """``c_hash`` belongs to the code; if there is one, it is required."""
        if self.params.get("code") is not None:
            required_claim(self, "c_hash")
        self._check_hash("c_hash", "code")


def get_claim_cls_by_response_type(response_type: str) -> type[IDToken] | None:
    """The class for the ID tokens of a response type; the order of its words means nothing.

    :returns: ``None`` for a response type of no flow.
    """
    words = sorted(response_type.split())
    for kind in (CodeIDToken, ImplicitIDToken, HybridIDToken):
        if any(sorted(known.split()) == words for known in kind.RESPONSE_TYPES):
            return kind
    return None


def _strings(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
