"""API calls for asynchronous views: ``await oauth.github.aget("user")``.

A connection of an event loop works in that loop only, and Flask runs each asynchronous view in a
new one. So each loop has a client of its own, which is closed when the loop ends. Finding and
replacing tokens is what it is for calls that block, and is done where those would be: by asgiref,
which runs asynchronous views, in the thread of the request.
"""

from __future__ import annotations

import asyncio
import sys
import weakref
from abc import abstractmethod
from collections.abc import AsyncGenerator
from collections.abc import Callable
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeAlias

from ..protocol.errors import InvalidSettingError
from ..protocol.errors import MissingConfigurationError
from ..transport._run import asgiref_part
from ..transport._run import asgiref_waits

if TYPE_CHECKING:
    import httpx2

#: Keywords of a session on requests for which a client of an event loop has nothing.
_ONLY_OF_REQUESTS = ("hooks", "stream")
#: Keywords of a client that are settings of its transports.
_OF_A_TRANSPORT = ("verify", "cert", "trust_env")


_OfLoop: TypeAlias = dict[asyncio.AbstractEventLoop, tuple[Any, AsyncGenerator[None]]]


class LoopClients:
    """The clients of a provider, one for each event loop.

    :param make: makes one.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._of_loop: _OfLoop = {}
        self._is_used = False

    async def here(self) -> Any:
        """The client of the running loop.

        :raises MissingConfigurationError: if that is not one of asyncio.
        """
        loop = _running_loop()
        known = self._of_loop.get(loop)
        if known is None:
            self._use()
            client = self._make()
            known = self._of_loop[loop] = client, _closing_with(loop, client, self._of_loop)
            await anext(known[1])
        return known[0]

    def _use(self) -> None:
        _forget_closed(self._of_loop)
        if not self._is_used:  # as ten thousand are not
            # A client that is registered anew, or read anew, leaves its connections to be closed.
            weakref.finalize(self, self._of_loop.clear).atexit = False
            self._is_used = True


async def _closing_with(
    loop: asyncio.AbstractEventLoop, client: Any, of_loop: _OfLoop
) -> AsyncGenerator[None]:
    # What ends a loop closes the generators that are still open in it (PEP 525); a loop also
    # closes one that nobody holds any more.
    try:
        yield
    finally:
        of_loop.pop(loop, None)
        await client.aclose()


def _forget_closed(of_loop: _OfLoop) -> None:
    for loop in list(of_loop):
        if loop.is_closed():
            of_loop.pop(loop, None)


def _running_loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        pass
    raise MissingConfigurationError(
        "missing_configuration", "aget() and its kin are called in an event loop of asyncio."
    )


def in_thread(do: Callable[[], Any]) -> Any:
    """Call something that blocks from within an event loop.

    :param do: what to call.
    :returns: an awaitable of its result.
    """
    return _in_thread_of_the_request(do) if _has_thread_of_its_own() else asyncio.to_thread(do)


def in_the_thread(do: Callable[[], Any]) -> Any:
    """The same in the thread in which a framework on asgiref does everything that blocks.

    :param do: what to call.
    :returns: an awaitable of its result.
    """
    # In a loop that was started from that very thread, it waits for the end of the loop.
    return asyncio.to_thread(do) if asgiref_waits() else _in_thread_of_the_request(do)


def _in_thread_of_the_request(do: Callable[[], Any]) -> Any:
    return sys.modules["asgiref.sync"].sync_to_async(do, thread_sensitive=True)()


def _has_thread_of_its_own() -> bool:
    """Whether asgiref has a thread for this request; all others would share one in a process."""
    if asgiref_waits():
        return False
    context = asgiref_part("SyncToAsync", "thread_sensitive_context")
    return bool(
        getattr(asgiref_part("AsyncToSync", "executors"), "current", None)
        or (context is not None and context.get(None))
        or asyncio.get_running_loop()
        in (asgiref_part("AsyncToSync", "loop_thread_executors") or ())
    )


def for_a_loop(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of a session on requests as a client of an event loop understands them.

    :param settings: keywords of the session.
    :raises InvalidSettingError: for one that has no counterpart.
    """
    import httpx2

    for name in _ONLY_OF_REQUESTS:
        if name in settings:
            raise InvalidSettingError(
                "invalid_configuration",
                f"client_kwargs: {name} is for requests, and aget() and its kin use httpx2. "
                "compliance_fix can adapt both.",
            )
    if not hasattr(settings.get("transport") or httpx2.AsyncBaseTransport, "handle_async_request"):
        raise InvalidSettingError(
            "invalid_configuration", "client_kwargs: this transport cannot be used by aget()."
        )
    translated = {"follow_redirects": True, **settings}
    proxies = translated.pop("proxies", None)
    if proxies:
        translated["mounts"] = {**_mounts(proxies, settings), **(settings.get("mounts") or {})}
    return translated


def _mounts(proxies: Mapping[str, str | None], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Proxies of a session on requests as mounts of a client."""
    from ..transport.httpx_connections import AsyncTransport

    transport = {name: settings[name] for name in _OF_A_TRANSPORT if name in settings}
    return {
        which if "://" in which else f"{which}://": AsyncTransport(
            proxy=proxy if not proxy or "://" in proxy else f"http://{proxy}", **transport
        )
        for which, proxy in proxies.items()
        if which != "no_proxy"  # it is for the proxies of the environment
    }


class AsyncCalls:
    """The calls of an API in an event loop; they need the extra ``httpx``."""

    @abstractmethod
    async def arequest(
        self, method: str, url: str, token: Any = None, **kwargs: Any
    ) -> httpx2.Response:
        """Call an API with the user's token."""

    async def aget(self, url: str, **kwargs: Any) -> httpx2.Response:
        """``GET``; see :meth:`arequest`."""
        return await self.arequest("GET", url, **kwargs)

    async def aoptions(self, url: str, **kwargs: Any) -> httpx2.Response:
        """``OPTIONS``; see :meth:`arequest`."""
        return await self.arequest("OPTIONS", url, **kwargs)

    async def ahead(self, url: str, **kwargs: Any) -> httpx2.Response:
        """``HEAD``, which follows no redirect unless it is told to; see :meth:`arequest`."""
        kwargs.setdefault("follow_redirects", False)
        return await self.arequest("HEAD", url, **kwargs)

    async def apost(self, url: str, **kwargs: Any) -> httpx2.Response:
        """``POST``; see :meth:`arequest`."""
        return await self.arequest("POST", url, **kwargs)

    async def aput(self, url: str, **kwargs: Any) -> httpx2.Response:
        """``PUT``; see :meth:`arequest`."""
        return await self.arequest("PUT", url, **kwargs)

    async def apatch(self, url: str, **kwargs: Any) -> httpx2.Response:
        """``PATCH``; see :meth:`arequest`."""
        return await self.arequest("PATCH", url, **kwargs)

    async def adelete(self, url: str, **kwargs: Any) -> httpx2.Response:
        """``DELETE``; see :meth:`arequest`."""
        return await self.arequest("DELETE", url, **kwargs)
