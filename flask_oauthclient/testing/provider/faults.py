"""Faults: ways in which a test makes the provider misbehave.

A fault is a predicate and a transformation. The provider passes everything that it produces
through :meth:`Faults.run`, under the name of a *point*: an endpoint's answer (``discovery``,
``jwks``, ``token``, ``userinfo``, ``revocation``, ``authorize``, ...), the ID token before it is
signed (``id_token``) or the parameters that go back to the client (``callback``). A transformation
wraps the function that produces the value, so it may change the value, or never ask for it: a 503
of :meth:`AnswerFault.respond` has not used up the code.

>>> provider.faults.on("token", times=1).respond(status=503)
>>> provider.faults.on("id_token").edit_claims(lambda claims: {**claims, "aud": "another"})
>>> with provider.faults.on("jwks").endless():
...     ...
"""

from __future__ import annotations

import threading
import typing as t
from collections.abc import Callable

from .answer_fault import AnswerFault
from .call import Call
from .fault import Fault
from .fault import Produce
from .keys import KeyRing
from .token_fault import CallbackFault
from .token_fault import TokenFault

T = t.TypeVar("T")
When = Callable[[Call], bool]

AnswerPoint = t.Literal[
    "discovery",
    "jwks",
    "token",
    "userinfo",
    "revocation",
    "introspection",
    "authorize",
    "interaction",
    "end_session",
    "api",
    "home",
    "static",
    "unknown",
]


class Faults:
    """All faults of one provider.

    :param keys: The provider's signing keys, for answers that are sent as JWT.
    """

    def __init__(self, keys: KeyRing) -> None:
        self.keys = keys
        self._lock = threading.Lock()
        self._by_point: dict[str, list[Fault[t.Any]]] = {}

    @t.overload
    def on(
        self, point: t.Literal["id_token"], times: int | None = None, when: When | None = None
    ) -> TokenFault: ...
    @t.overload
    def on(
        self, point: t.Literal["callback"], times: int | None = None, when: When | None = None
    ) -> CallbackFault: ...
    @t.overload
    def on(
        self, point: AnswerPoint, times: int | None = None, when: When | None = None
    ) -> AnswerFault: ...
    def on(
        self, point: str, times: int | None = None, when: When | None = None
    ) -> TokenFault | CallbackFault | AnswerFault:
        """Register a fault; its methods say what it does.

        :param point: An endpoint's name, ``id_token`` or ``callback``.
        :param times: How often it strikes; always, by default.
        :param when: Decides by the request whether it strikes.
        :returns: The fault, which does nothing yet.
        :raises ValueError: if there is no such point.
        """
        fault = _kind(point)(self, times, when)
        with self._lock:
            self._by_point.setdefault(point, []).append(fault)
        return fault

    def discard(self, fault: Fault[t.Any]) -> None:
        """Forget one fault; see :meth:`Fault.remove`.

        :param fault: The fault.
        """
        with self._lock:
            for registered in self._by_point.values():
                if fault in registered:
                    registered.remove(fault)

    def clear(self) -> None:
        """Take all faults off, and end what they hold up."""
        with self._lock:
            faults = [fault for registered in self._by_point.values() for fault in registered]
        for fault in faults:
            fault.remove()

    def run(self, point: str, call: Call, produce: Produce[T]) -> T:
        """Produce a value through the faults of a point.

        :param point: The point's name.
        :param call: The request that is being answered.
        :param produce: The function that produces the value.
        :returns: The value, as the faults left it.
        """
        if not self._by_point:
            return produce()
        with self._lock:
            striking = [f for f in self._by_point.get(point, ()) if f.strikes(call)]
        for fault in striking:
            produce = fault.around(produce)
        return produce()


def _kind(point: str) -> type[TokenFault] | type[CallbackFault] | type[AnswerFault]:
    if point == "id_token":
        return TokenFault
    if point == "callback":
        return CallbackFault
    if point not in t.get_args(AnswerPoint):
        raise ValueError(f"There is no point {point!r} at which a fault could strike.")
    return AnswerFault
