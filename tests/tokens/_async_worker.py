"""The worker of :mod:`tests.tokens._worker` whose requests are asynchronous views."""

from __future__ import annotations

import asyncio
from typing import Any

from asgiref.sync import async_to_sync
from flask import g

from tests.tokens._site import Site
from tests.tokens._worker import Worker
from tests.tokens._worker import serve
from tests.tokens._worker import stand_still


class AsyncSite(Site):
    """Calls side by side in an event loop of each request."""

    def call(self, owner: str, path: str = "me", **headers: str) -> Any:
        """Call the API in somebody's request, as Flask runs an asynchronous view."""
        with self.app.test_request_context("/"):
            g.owner = owner
            return async_to_sync(self._call)(path, headers)

    async def _call(self, path: str, headers: dict[str, str]) -> Any:
        calls = (
            self.oauth.demo.aget(path, headers=self._of_call(headers, number), timeout=30)
            for number in range(3)
        )
        answers = await asyncio.gather(*calls)
        return max(answers, key=lambda answer: answer.status_code)

    @staticmethod
    def _of_call(headers: dict[str, str], number: int) -> dict[str, str]:
        return {name: f"{value} {number}" for name, value in headers.items()}


class AsyncWorker(Worker):
    """A worker with that site."""

    def _make_site(self, value: dict[str, Any]) -> Any:
        return AsyncSite(**value, compliance_fix=stand_still)


if __name__ == "__main__":
    serve(AsyncWorker())
