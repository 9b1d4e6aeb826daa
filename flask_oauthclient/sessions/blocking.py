"""Sessions that block."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any
from typing import ParamSpec
from typing import TypeVar

from ..protocol.messages import Exchange
from ..protocol.oauth2.token import OAuth2Token
from ..transport._run import Steps
from ..transport._run import run_steps
from .flavour import Flavour
from .upkeep import TokenUpkeep

T = TypeVar("T")
P = ParamSpec("P")


def blocking(
    steps: Callable[P, Steps[T]],
) -> Callable[P, T]:
    """A method that does steps before it returns.

    :param steps: gives the steps; its signature and its text are those of the method.
    """

    @wraps(steps)
    def method(*args: P.args, **kwargs: P.kwargs) -> T:
        return run_steps(steps(*args, **kwargs))

    return method


class Blocking(Flavour):
    """Steps are done before a method returns."""

    def drive(self, steps: Steps[T]) -> T:
        """Do steps."""
        return run_steps(steps)

    def to_the_end(self, steps: Steps[T]) -> T:
        """Do steps; nobody can leave before they are done."""
        return run_steps(steps)

    def apart(self, do: Callable[[], T]) -> T:
        """Call something that blocks, as everything does here."""
        return do()

    def back(self, steps: Steps[T]) -> T:
        """Do steps."""
        return run_steps(steps)

    def new_lock(self) -> threading.RLock:
        """A lock among threads."""
        return threading.RLock()


class BlockingUpkeep(Blocking, TokenUpkeep):
    """A session that replaces its token, and blocks meanwhile."""

    ensure_active_token = blocking(TokenUpkeep.active_steps)

    def run_exchange(
        self, exchange: Exchange[OAuth2Token], hook: str, **settings: Any
    ) -> OAuth2Token:
        """Drive a token exchange, with the compliance hooks of its kind.

        :param exchange: the exchange.
        :param hook: ``access_token`` or ``refresh_token``.
        :param settings: keywords of the HTTP library for this call.
        """
        return self.drive(self.exchange_steps(exchange, hook, **settings))
