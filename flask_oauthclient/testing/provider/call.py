"""Requests as values: what the provider's endpoints read.

No framework sits in between, so that a call to the token endpoint costs little.
"""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from urllib.parse import parse_qsl

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Pairs = tuple[tuple[str, str], ...]

#: A request body above this is refused; nothing the provider accepts is near it.
MAX_BODY = 256 * 1024


class Headers(Mapping[str, str]):
    """Request headers by case-insensitive name.

    :param items: Names and values; a repeated name keeps the last value.
    """

    __slots__ = ("_values",)

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._values = {name.lower(): value for name, value in items}

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        # Authorization and Cookie live here: names only.
        return f"<Headers {sorted(self._values)}>"


class Params(Mapping[str, str]):
    """Request parameters, each of which may be sent once.

    :param pairs: Decoded names and values in the order they were sent.
    """

    __slots__ = ("_values", "pairs")

    def __init__(self, pairs: Pairs = ()) -> None:
        self.pairs = pairs
        # RFC 6749 3.1: a parameter sent without a value is treated as if it were omitted.
        self._values = {name: value for name, value in pairs if value}

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Params {sorted(self._values)}>"

    def repeated(self) -> str | None:
        """Name a parameter that was sent more than once, against RFC 6749 3.1.

        :returns: The first such name, or ``None``.
        """
        seen: set[str] = set()
        for name, _ in self.pairs:
            if name in seen:
                return name
            seen.add(name)
        return None


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """One request as the endpoints see it; ``path`` is relative to the issuer."""

    method: str
    path: str
    query: Params = dataclasses.field(default_factory=Params)
    form: Params = dataclasses.field(default_factory=Params)
    headers: Headers = dataclasses.field(default_factory=Headers)
    body: bytes = dataclasses.field(default=b"", repr=False)
    #: The path as the client asked for it, before the issuer's own path was taken off.
    full_path: str = ""

    @property
    def params(self) -> Params:
        """The form of a POST, else the query."""
        return self.form if self.method == "POST" else self.query

    @property
    def is_form(self) -> bool:
        """Whether the body was sent as ``application/x-www-form-urlencoded``."""
        return _media_type(self.headers) == "application/x-www-form-urlencoded"


def read_call(environ: WSGIEnvironment, issuer_path: str) -> Call:
    """Read a WSGI request completely.

    :param environ: The WSGI environment.
    :param issuer_path: The path of the issuer, without a trailing slash.
    :returns: The request, its path relative to the issuer's.
    :raises ValueError: if the body is larger than :data:`MAX_BODY`.
    """
    headers = Headers(_environ_headers(environ))
    body = _read_body(environ)
    full = _decode(environ.get("SCRIPT_NAME", "")) + _decode(environ.get("PATH_INFO", ""))
    form = body if _media_type(headers) == "application/x-www-form-urlencoded" else b""
    return Call(
        method=environ["REQUEST_METHOD"],
        path=_below(full, issuer_path),
        query=_decode_params(environ.get("QUERY_STRING", "")),
        form=_decode_params(form.decode("utf-8", "replace")),
        headers=headers,
        body=body,
        full_path=full,
    )


def _below(full: str, issuer_path: str) -> str:
    # The issuer's path arrives in SCRIPT_NAME when a dispatcher mounted us, in PATH_INFO when not.
    if issuer_path and (full == issuer_path or full.startswith(issuer_path + "/")):
        return full[len(issuer_path) :] or "/"
    return "" if issuer_path else full or "/"


def _decode(raw: str) -> str:
    return raw.encode("latin-1").decode("utf-8", "replace")


def _decode_params(text: str) -> Params:
    return Params(tuple(parse_qsl(text, keep_blank_values=True)))


def _media_type(headers: Headers) -> str:
    return headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _environ_headers(environ: WSGIEnvironment) -> Iterator[tuple[str, str]]:
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            yield name[5:].replace("_", "-"), value
        elif name in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
            yield name.replace("_", "-"), value


def _read_body(environ: WSGIEnvironment) -> bytes:
    length = environ.get("CONTENT_LENGTH") or "0"
    size = int(length) if length.isdecimal() else 0
    if size > MAX_BODY:
        raise ValueError(f"The request body is larger than {MAX_BODY} bytes.")
    return environ["wsgi.input"].read(size) if size else b""
