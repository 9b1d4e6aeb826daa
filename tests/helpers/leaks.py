"""The watch over every test: no secret in a log record, and none in an exception.

Everything that is logged while a test runs is kept, at every level and of every logger, and so is
every :class:`OAuthError` that is made. Afterwards both are searched for whatever the development
providers call secret (codes, tokens, verifiers, states, nonces, client secrets, cookies) and for
what the test itself called so.
"""

from __future__ import annotations

import logging
import sys
import traceback
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from flask_oauthclient import OAuthError
from flask_oauthclient.testing.provider import DevelopmentProvider

_providers: weakref.WeakSet[DevelopmentProvider] = weakref.WeakSet()
_make_provider = DevelopmentProvider.__init__
_PACKAGE = "flask_oauthclient."
_TESTING = "flask_oauthclient.testing."


def _remembered(self: DevelopmentProvider, *args: Any, **kwargs: Any) -> None:
    _make_provider(self, *args, **kwargs)
    _providers.add(self)


DevelopmentProvider.__init__ = _remembered  # type: ignore[method-assign]


class Watch(logging.Handler):
    """Keeps what one test logs and which errors it makes."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self._records: list[tuple[str, str]] = []
        self.errors: list[BaseException] = []
        self._own: set[str] = set()

    def secret(self, *values: str) -> None:
        """Call values secret that no provider knows of."""
        self._own.update(values)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record, unless it is about a request that a test's own browser made."""
        if not record.name.startswith("urllib3") or _is_called_by_the_package():
            self._records.append((record.name, _text_of(record)))

    def logged(self, text: str) -> bool:
        """Whether a text was logged, at whatever level."""
        return any(text in message for _, message in self._records)

    def leaks(self) -> list[str]:
        """Where which secret shows, in words that don't show it again."""
        texts = [(f"a record of the logger {name!r}", text) for name, text in self._records]
        texts += [(f"{type(e).__name__}", text) for e in self.errors for text in _texts_of(e)]
        everything = "\n".join(text for _, text in texts)
        found = [secret for secret in self._secrets() if secret in everything]
        return [
            f"{where} shows the secret that begins with {secret[:4]!r}: "
            + text.replace(secret, "[SECRET]")[:500]
            for secret in found
            for where, text in texts
            if secret in text
        ]

    def _secrets(self) -> set[str]:
        return self._own.union(*(set(provider.secrets) for provider in list(_providers)))


@contextmanager
def watching() -> Iterator[Watch]:
    """Watch until the end of the block."""
    watch, root = Watch(), logging.getLogger()
    level, make_error = root.level, OAuthError.__init__

    def kept(self: OAuthError, *args: Any, **kwargs: Any) -> None:
        make_error(self, *args, **kwargs)
        watch.errors.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OAuthError, "__init__", kept)
        root.addHandler(watch)
        root.setLevel(logging.DEBUG)
        try:
            yield watch
        finally:
            root.removeHandler(watch)
            root.setLevel(level)


def _is_called_by_the_package() -> bool:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.startswith(_PACKAGE) and not name.startswith(_TESTING):
            return True
        frame = frame.f_back
    return False


def _text_of(record: logging.LogRecord) -> str:
    parts = [record.getMessage(), repr(record.args)]
    if record.exc_info and record.exc_info[1]:
        parts += ["".join(traceback.format_exception(record.exc_info[1]))]
    # What logging's ``extra`` adds stands beside the attributes that every record has.
    # Django hands its log the request that it answers, whatever the browser has sent.
    usual = _USUAL | {"request"} if record.name.startswith("django.") else _USUAL
    parts += [repr(v) for k, v in record.__dict__.items() if k not in usual]
    return "\n".join(parts)


_USUAL = frozenset(logging.makeLogRecord({}).__dict__)


def _texts_of(error: BaseException) -> list[str]:
    """Everything that a log or an error tracker shows of an exception and those behind it."""
    texts, seen = [], set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        facts = (str(one), repr(one), one.args, vars(one), getattr(one, "__notes__", None))
        texts.append("\n".join(map(repr, facts)) + "\n" + str(one))
        waiting += [one.__cause__, one.__context__]
    return texts
