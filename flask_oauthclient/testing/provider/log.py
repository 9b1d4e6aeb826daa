"""What the provider was asked, and every secret that passed through it."""

from __future__ import annotations

import collections
import dataclasses
import threading
import typing as t
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from collections.abc import Set

from .call import Call
from .call import Headers

#: Shorter values occur in innocent text by chance, so they are no use in a search for leaks.
MIN_SECRET_LENGTH = 8


@dataclasses.dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request that the provider answered; its ``repr`` shows no value a client sent."""

    method: str
    path: str
    endpoint: str
    status: int
    query: Mapping[str, str] = dataclasses.field(repr=False)
    form: Mapping[str, str] = dataclasses.field(repr=False)
    headers: Headers = dataclasses.field(repr=False)


class RequestLog(Sequence[RequestRecord]):
    """The latest requests, oldest first.

    :param limit: How many are kept.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self._records: collections.deque[RequestRecord] = collections.deque(maxlen=limit)
        self._lock = threading.Lock()

    @t.overload
    def __getitem__(self, index: int) -> RequestRecord: ...
    @t.overload
    def __getitem__(self, index: slice) -> list[RequestRecord]: ...
    def __getitem__(self, index: int | slice) -> RequestRecord | list[RequestRecord]:
        return self._snapshot()[index]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[RequestRecord]:
        return iter(self._snapshot())

    def _snapshot(self) -> list[RequestRecord]:
        with self._lock:
            return list(self._records)

    def add(self, call: Call, endpoint: str, status: int) -> None:
        """Keep a request.

        :param call: The request.
        :param endpoint: The name of the endpoint that it reached.
        :param status: The status of its answer; 0 when the connection was dropped.
        """
        record = RequestRecord(
            call.method, call.path, endpoint, status, call.query, call.form, call.headers
        )
        with self._lock:
            self._records.append(record)

    def find(self, where: str) -> list[RequestRecord]:
        """Select requests.

        :param where: A path below the issuer (``/jwks``) or an endpoint's name (``jwks``).
        :returns: The requests that went there, oldest first.
        """
        return [record for record in self._snapshot() if where in (record.path, record.endpoint)]

    def count(self, where: str) -> int:
        """Count requests.

        :param where: A path below the issuer (``/jwks``) or an endpoint's name (``jwks``).
        :returns: How many went there.
        """
        return len(self.find(where))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._records.clear()


class SecretLedger(Set[str]):
    """Every value that must appear in no log and no exception of the client.

    Client secrets, codes, tokens, code verifiers, states and nonces are added as they pass.

    :param limit: How many of the latest are kept.
    """

    def __init__(self, limit: int = 20_000) -> None:
        self._values: collections.OrderedDict[str, None] = collections.OrderedDict()
        self._limit = limit
        self._lock = threading.Lock()

    def __contains__(self, value: object) -> bool:
        return value in self._values

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter(list(self._values))

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<SecretLedger of {len(self._values)}>"

    @classmethod
    def _from_iterable(cls, it: Iterable[t.Any]) -> set[t.Any]:
        # Set operations of the base class give plain sets.
        return set(it)

    def add(self, *values: str | None) -> None:
        """Remember secrets.

        :param values: The secrets; ``None`` and values too short to search for are passed over.
        """
        with self._lock:
            for value in values:
                if value is not None and len(value) >= MIN_SECRET_LENGTH:
                    self._values[value] = None
            while len(self._values) > self._limit:
                self._values.popitem(last=False)

    def found_in(self, text: str) -> list[str]:
        """Search a text for leaks.

        :param text: What was logged.
        :returns: The secrets that occur in it.
        """
        return [secret for secret in self if secret in text]
