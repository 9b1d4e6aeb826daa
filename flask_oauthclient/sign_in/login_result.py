"""What a login gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any

from ..protocol.oauth2.authorization import scope_to_list
from ..protocol.oidc.claims import UserInfo

if TYPE_CHECKING:
    from .identity import Identity

#: What a scope is expected to tell at the least; many ID tokens leave it to the userinfo endpoint.
_TOLD_BY_SCOPE = {"email": "email", "profile": "name"}


class LoginResult:
    """A completed login, as ``on_login`` gets it. Its ``repr`` shows no token.

    :param client: the registered client.
    :param token: the token, a dict.
    :param userinfo: claims about the person; by default they are looked up when they are first
        asked for.
    :param claims: the claims of the verified ID token; empty for a login without one.
    :param next_url: path of this application that the person wanted to see.
    :param extra: what ``on_start`` sent along; nothing is ``{}``.
    :param signed_in: who is signed in in this browser already, if anybody.
    :param label: which of several accounts a view has asked for.
    """

    def __init__(
        self,
        client: Any,
        token: Mapping[str, Any],
        userinfo: Mapping[str, Any] | None = None,
        claims: Mapping[str, Any] | None = None,
        next_url: str = "/",
        extra: Any = None,
        signed_in: Identity | None = None,
        label: str = "",
    ) -> None:
        self.client = client
        self.token = token
        self.claims = UserInfo(claims or {})
        self.next_url = next_url
        self.extra = {} if extra is None else extra
        self.signed_in = signed_in
        #: Which of several accounts of one person this is, in the store of tokens; ``on_login``
        #: and ``on_link`` may set it.
        self.label = label
        self._userinfo = None if userinfo is None else UserInfo(userinfo)

    def __repr__(self) -> str:
        return f"<LoginResult {self.name!r} sub={self.claims.get('sub')!r}>"

    @property
    def name(self) -> str:
        """The client's name."""
        return str(self.client.name)

    @property
    def key(self) -> tuple[str, str]:
        """What identifies the person: issuer, or client, and subject.

        :raises OAuthError: if the userinfo endpoint has to be asked, and refuses.
        """
        about = self.about_the_person()
        return str(about.get("iss") or self.name), str(about.get("sub") or "")

    @property
    def userinfo(self) -> UserInfo:
        """The claims of the ID token and of the userinfo endpoint, which is asked once.

        :raises OAuthError: if the endpoint refuses, or its answer is about another user.
        """
        if self._userinfo is None:
            self._userinfo = UserInfo({**self._ask(), **self.claims})
        return self._userinfo

    def take_newer_token(self) -> None:
        """Go on with the token that took the place of the login's, if it was replaced already.

        It may be so short-lived that a call of ``on_login`` has refreshed it; the first one is
        spent then.
        """
        self.token = self.client.framework.current_token() or self.token

    def _ask(self) -> Mapping[str, Any]:
        find = getattr(self.client, "load_server_metadata", None)  # OAuth 1.0a has none
        if find is None or not find().get("userinfo_endpoint"):
            return {}
        answer: Mapping[str, Any] = self.client.userinfo(token=self.token)
        return answer

    def about_the_person(self) -> UserInfo:
        """The ID token's claims if they say what was asked for, else the userinfo as well."""
        scopes = scope_to_list(self.token.get("scope"))
        wanted = {"sub", *(_TOLD_BY_SCOPE[scope] for scope in scopes if scope in _TOLD_BY_SCOPE)}
        return self.claims if wanted <= self.claims.keys() else self.userinfo
