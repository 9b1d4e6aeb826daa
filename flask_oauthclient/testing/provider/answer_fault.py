"""Faults in the HTTP answers of the endpoints."""

from __future__ import annotations

import dataclasses
import gzip
import json
import typing as t
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping

from . import jws
from .answer import Answer
from .fault import Fault
from .fault import Produce
from .keys import ALGORITHMS
from .keys import SigningKey
from .token_fault import Claims
from .token_fault import TokenDraft
from .token_fault import sign_draft


class ConnectionDropped(ConnectionError):
    """The provider hangs up without an answer."""


class AnswerFault(Fault[Answer]):
    """A fault in the HTTP answer of an endpoint."""

    def respond(
        self,
        status: int = 200,
        body: bytes | str = b"",
        headers: Mapping[str, str] | None = None,
    ) -> t.Self:
        """Answer in the endpoint's place; the endpoint isn't run.

        :param status: The HTTP status.
        :param body: The body.
        :param headers: The headers; ``Content-Length`` is added.
        :returns: This fault.
        """
        raw = body.encode() if isinstance(body, str) else body
        answer = Answer(status, tuple((headers or {}).items()), raw)
        return self.wrap(lambda produce: answer)

    def respond_json(self, document: object, status: int = 200) -> t.Self:
        """Answer with a JSON document in the endpoint's place; the endpoint isn't run.

        :param document: What to encode.
        :param status: The HTTP status.
        :returns: This fault.
        """
        body = json.dumps(document).encode()
        return self.respond(status, body, {"Content-Type": "application/json"})

    def redirect(self, location: str, status: int = 307) -> t.Self:
        """Redirect in the endpoint's place; the endpoint isn't run.

        :param location: Where to.
        :param status: The HTTP status.
        :returns: This fault.
        """
        return self.respond(status, b"", {"Location": location})

    def edit_json(self, change: Callable[[t.Any], t.Any]) -> t.Self:
        """Change the JSON document of the endpoint's answer.

        :param change: Gets the document, returns another.
        :returns: This fault.
        """
        return self.edit(lambda answer: _changed(answer, change))

    def header(self, name: str, value: str | None) -> t.Self:
        """Set a header of the endpoint's answer, or take it off.

        :param name: The header's name.
        :param value: Its value, or ``None``.
        :returns: This fault.
        """
        return self.edit(lambda answer: answer.with_header(name, value))

    def status(self, status: int) -> t.Self:
        """Change the status of the endpoint's answer and nothing else.

        :param status: The HTTP status.
        :returns: This fault.
        """
        return self.edit(lambda answer: dataclasses.replace(answer, status=status))

    def delay(self, seconds: float) -> t.Self:
        """Wait before the answer begins.

        :param seconds: How long, unless the fault is taken off before.
        :returns: This fault.
        """

        def late(produce: Produce[Answer]) -> Answer:
            self.released.wait(seconds)
            return produce()

        return self.wrap(late)

    def slow(self, bytes_per_second: float) -> t.Self:
        """Send the body in single bytes.

        :param bytes_per_second: How fast; all the rest at once when the fault is taken off.
        :returns: This fault.
        """
        return self.edit(lambda answer: _streamed(answer, self._drip(answer, bytes_per_second)))

    def _drip(self, answer: Answer, bytes_per_second: float) -> Iterator[bytes]:
        for byte in answer.body:
            self.released.wait(1 / bytes_per_second)
            yield bytes([byte])

    def endless(self, chunk: bytes = b" " * 16_384) -> t.Self:
        """Follow the body with a stream that ends when the fault is taken off.

        :param chunk: What is repeated; white space keeps the JSON valid.
        :returns: This fault.
        """
        return self.edit(lambda answer: _streamed(answer, self._forever(answer, chunk)))

    def _forever(self, answer: Answer, chunk: bytes) -> Iterator[bytes]:
        yield answer.body
        while not self.released.is_set():
            yield chunk

    def gzip_bomb(self, size: int = 64 * 1024 * 1024) -> t.Self:
        """Send the body inside a small gzip stream that unpacks to a huge one.

        :param size: The size when unpacked; the filling is white space, so the JSON stays valid.
        :returns: This fault.
        """

        def inflate(answer: Answer) -> Answer:
            packed = gzip.compress(answer.body) + _white_space(size)
            return answer.with_body(packed).with_header("Content-Encoding", "gzip")

        return self.edit(inflate)

    def cut(self, keep: int) -> t.Self:
        """Promise the whole body and hang up in the middle.

        :param keep: How many bytes are sent.
        :returns: This fault.
        """

        def broken(answer: Answer) -> Answer:
            promised = answer.with_header("Content-Length", str(len(answer.body)))
            return dataclasses.replace(promised, stream=[answer.body[:keep]])

        return self.edit(broken)

    def drop(self, processed: bool = False) -> t.Self:
        """Hang up instead of answering.

        :param processed: Run the endpoint first, so that only its answer is lost.
        :returns: This fault.
        """

        def hang_up(produce: Produce[Answer]) -> Answer:
            if processed:
                produce()
            raise ConnectionDropped("The development provider dropped the connection.")

        return self.wrap(hang_up)

    def as_jwt(
        self,
        alg: str = "RS256",
        key: SigningKey | jws.SigningSecret = None,
        change: Callable[[Claims], Claims] = dict,
        content_type: str = "application/jwt",
    ) -> t.Self:
        """Send the JSON document as a signed JWT (OpenID Connect Core 5.3.2).

        :param alg: The signature algorithm, ``none`` included.
        :param key: Another key than the provider's for this algorithm.
        :param change: Gets the claims, which have no ``iss`` and ``aud`` yet; returns others.
        :param content_type: The content type.
        :returns: This fault.
        """

        def signed(answer: Answer) -> Answer:
            signing_key = self.keys.signing_key(alg) if key is None and alg in ALGORITHMS else key
            draft = TokenDraft({}, change(json.loads(answer.body)), bytes)
            body = sign_draft(draft, alg, signing_key).compact().encode()
            return answer.with_body(body).with_header("Content-Type", content_type)

        return self.edit(signed)


def _changed(answer: Answer, change: Callable[[t.Any], t.Any]) -> Answer:
    changed = answer.with_body(json.dumps(change(json.loads(answer.body))).encode())
    # Another document is another representation; with the old tag it would never be fetched.
    return changed if answer.header("ETag") is None else changed.with_header("ETag", changed.etag)


def _streamed(answer: Answer, stream: Iterator[bytes]) -> Answer:
    return dataclasses.replace(answer.with_header("Content-Length", None), stream=stream)


def _white_space(size: int) -> bytes:
    return gzip.compress(b" " * size, compresslevel=9)
