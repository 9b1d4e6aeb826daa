"""A publisher of one document, and a clock that tests move."""

from __future__ import annotations

from collections.abc import Callable

from flask_oauthclient.protocol.errors import TransportError
from flask_oauthclient.protocol.messages import Response
from flask_oauthclient.registry.documents import Document

UNREACHABLE = TransportError("provider_unreachable")


class Clock:
    """Monotonic seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


class Text:
    """What a document is parsed to; two of the same text are two values."""

    def __init__(self, text: str) -> None:
        self.text = text


class Publisher:
    """Answers, and notes what it was asked: the ``ETag`` of each request."""

    def __init__(self, cache_control: str | None = None, etag: str | None = None) -> None:
        self.text = "first"
        self.cache_control = cache_control
        self.etag = etag
        self.failure: Exception | None = None
        self.unchanged_says_etag = True
        self.status = 200
        self.asked: list[str | None] = []
        #: Called during each request.
        self.meanwhile: Callable[[], None] = lambda: None
        self.clock = Clock()

    def __call__(self, etag: str | None) -> Response:
        self.asked.append(etag)
        self.meanwhile()
        if self.failure is not None:
            raise self.failure
        named = {"cache-control": self.cache_control, "etag": self.etag}
        headers = {name: value for name, value in named.items() if value is not None}
        unchanged = etag is not None and etag == self.etag
        if unchanged and not self.unchanged_says_etag:
            del headers["etag"]
        return Response(304 if unchanged else self.status, headers, self.text.encode())

    @property
    def requests(self) -> int:
        """How often it was asked."""
        return len(self.asked)

    def document(self, clock: Callable[[], float] | None = None) -> Document[Text]:
        """A document that it publishes."""
        return Document(self, self.parse, clock or self.clock)

    @staticmethod
    def parse(response: Response) -> Text:
        """Read an answer."""
        if response.status != 200:
            raise TransportError("provider_unavailable", detail={"status": response.status})
        return Text(response.body.decode())
