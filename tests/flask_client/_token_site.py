"""A site that keeps the tokens of its logins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from typing import NamedTuple

from flask_oauthclient import MemoryTokenStore
from flask_oauthclient import TokenKey
from flask_oauthclient.protocol.errors import MissingTokenError
from flask_oauthclient.testing.browser import Visit
from flask_oauthclient.testing.provider import DevelopmentProvider

from ._site import ORIGIN
from ._site import BlueprintSite

#: What a script of the browser's page sends along.
SCRIPT = {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"}


class _Answer(NamedTuple):
    status_code: int
    content: Any

    def json(self) -> Any:
        return self.content


class TokenSite(BlueprintSite):
    """A site that keeps tokens, with a view that calls the provider's API."""

    def __init__(self, provider: DevelopmentProvider, **kwargs: Any) -> None:
        registry = {"token_store": MemoryTokenStore(), **kwargs.pop("registry", {})}
        register = {"api_base_url": f"{provider.issuer}/api/", **kwargs.pop("register", {})}
        super().__init__(provider, registry=registry, register=register, **kwargs)
        self.store: Any = registry["token_store"]
        self.app.add_url_rule("/me", "me", self._me)
        self.app.add_url_rule("/state", "state", self._state)
        self.app.add_url_rule("/work", "work", self._work)
        self.app.add_url_rule("/careful", "careful", self._careful)
        self.app.add_url_rule("/forgetful", "forgetful", self._forgetful)
        self.caught: list[Any] = []

    def _me(self) -> Any:
        return self.oauth.demo.get("me").json()

    def _state(self) -> Any:
        token = self.oauth.demo.token
        return {"authorized": self.oauth.demo.authorized, "token": bool(token)}

    def _work(self) -> Any:
        return self.oauth.demo.for_account(label="work").get("me").json()

    def _careful(self) -> str:
        try:
            self.oauth.demo.get("me")
        except MissingTokenError as error:
            self.caught.append(error)
        return "done"

    def _forgetful(self) -> Any:
        self.store.delete(self.key)
        return self._me()

    def me(self) -> Any:
        """What the API says about the token."""
        return self.open("/me").response.json()

    def state(self) -> Any:
        """What the application finds of a token."""
        return self.open("/state").response.json()

    def as_script(self, path: str) -> Any:
        """Ask for a path as a script of the browser's page does."""
        cookies = "; ".join(f"{c.name}={c.value}" for c in self.browser.cookies)
        client = self.app.test_client(use_cookies=False)
        headers = {**SCRIPT, "Cookie": cookies}
        answer = client.get(path, base_url=ORIGIN, headers=headers)
        return _Answer(answer.status_code, answer.get_json())

    def press(self, path: str, **fields: str) -> Any:
        """Press a button of the application."""
        return self.browser.send(Visit("POST", f"{ORIGIN}{path}", fields, f"{ORIGIN}/"))

    def sign_out(self) -> None:
        """Press the button for that."""
        self.press("/auth/logout")

    @property
    def key(self) -> TokenKey:
        """Where the token of Alice is, who has no key of the application's own."""
        return TokenKey("demo", f"{self.provider.issuer} alice")

    @property
    def refreshes(self) -> int:
        """How many tokens the provider was asked to refresh."""
        found = self.provider.log.find("token")
        return sum(record.form.get("grant_type") == "refresh_token" for record in found)

    def change(self, **members: Any) -> None:
        """Change the stored token of Alice; ``None`` takes a member out."""
        token = {**self.store.get(self.key), **members}
        self.store.put(self.key, {k: v for k, v in token.items() if v is not None})


#: Makes sites; the keywords are those of :class:`TokenSite`.
MakeTokenSite = Callable[..., TokenSite]
