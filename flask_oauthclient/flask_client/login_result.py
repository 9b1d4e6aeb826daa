"""What a login gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from functools import cached_property
from typing import Any

from ..protocol.oidc.claims import UserInfo


@dataclass(frozen=True)
class LoginResult:
    """A completed login, as ``on_login`` gets it. Its ``repr`` shows no token.

    :param client: the registered client.
    :param token: the token, a dict.
    :param claims: the claims of the verified ID token; empty for a login without one.
    :param next_url: path of this application that the person wanted to see.
    :param extra: what the application sent along.
    """

    client: Any
    token: Mapping[str, Any] = field(repr=False)
    claims: UserInfo
    next_url: str
    extra: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The client's name."""
        return str(self.client.name)

    @cached_property
    def userinfo(self) -> UserInfo:
        """The claims of the ID token and of the userinfo endpoint, which is asked once.

        :raises OAuthError: if the endpoint refuses, or its answer is about another user.
        """
        if not self.client.load_server_metadata().get("userinfo_endpoint"):
            return self.claims
        return UserInfo({**self.client.userinfo(token=self.token), **self.claims})
