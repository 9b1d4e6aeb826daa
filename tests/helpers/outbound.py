"""What a client sends, seen at the last moment before it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2
import requests
from requests.adapters import BaseAdapter

from .urls import origin_of

#: How the HTTP libraries say that there is no such host.
NOT_SENT = (requests.RequestException, httpx2.TransportError)


class Outbound(BaseAdapter):
    """Everything that a client sends; it reaches the providers of the test and nobody else."""

    def __init__(self, adapters: Mapping[str, BaseAdapter]) -> None:
        super().__init__()
        self._adapters = adapters
        self.requests: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """Note a request and pass it on."""
        self.requests.append(request)
        adapter = self._adapters.get(origin_of(request.url or "").removesuffix(":443"))
        if adapter is None:
            raise requests.ConnectionError("This host is not there.", request=request)
        return adapter.send(request, *args, **kwargs)

    def close(self) -> None:
        """Do nothing."""

    @property
    def paths(self) -> list[str]:
        """Where the requests went: ``/token`` at the first provider, whole URLs elsewhere."""
        home = next(iter(self._adapters), "")
        return [
            (request.url or "").partition("?")[0].removeprefix(home) for request in self.requests
        ]

    def clear(self) -> None:
        """Forget what was sent."""
        self.requests.clear()
