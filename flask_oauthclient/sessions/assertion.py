"""What a session whose tokens come from signed assertions does, as steps."""

from __future__ import annotations

from typing import Any

from ..protocol.oauth2.assertion import AssertionClient
from ..protocol.oauth2.hooks import Hook
from ..protocol.oauth2.hooks import HookList
from ..protocol.oauth2.hooks import add_hook
from ..protocol.oauth2.token import OAuth2Token
from ..transport._run import Steps
from .blocking import BlockingUpkeep
from .blocking import blocking
from .upkeep import TokenUpkeep

_HOOK_TYPES = ("access_token_request", "access_token_response")


class AssertionSteps(AssertionClient, TokenUpkeep):
    """A client that gets a token before its first request, and another one when it needs it.

    A session class calls :meth:`begin_upkeep`, :meth:`begin_hooks` and the constructor of
    :class:`~flask_oauthclient.protocol.oauth2.assertion.AssertionClient` in its own.
    """

    def begin_hooks(self) -> None:
        """Begin without compliance hooks."""
        self.compliance_hooks = {name: HookList() for name in _HOOK_TYPES}

    def register_compliance_hook(self, hook_type: str, hook: Hook) -> None:
        """Register a function that adapts to a server outside the standard.

        :param hook_type: ``access_token_request``, ``access_token_response`` or
            ``protected_request``.
        :param hook: see :meth:`OAuth2Session.register_compliance_hook`.
        :raises InvalidSettingError: (a ``ValueError``) for another type.
        """
        hooks = {**self.compliance_hooks, "protected_request": self.token_auth.hooks}
        add_hook(hooks, hook_type, hook)

    def refresh_steps(self) -> Steps[OAuth2Token]:
        """Get a token with a fresh assertion, and keep it.

        :raises OAuthError: if the assertion cannot be made or the server refuses.
        """
        exchange = self.assertion_exchange(insecure_http=self.insecure_http)
        self.token = token = yield from self.exchange_steps(exchange, "access_token")
        return token

    def is_replaceable(self, token: Any) -> bool:
        """An assertion can be made at any time."""
        return True

    def _replace(self, token: Any) -> Steps[None]:
        yield from self.refresh_steps()
        if token:  # the first one is no update
            yield from self._tell(access_token=token.get("access_token"))


class BlockingAssertion(BlockingUpkeep, AssertionSteps):
    """The same with methods that block."""

    refresh_token = blocking(AssertionSteps.refresh_steps)
