"""Locks between the processes of one machine, in one file.

Each name is one byte of the file, and the lock a POSIX record lock on that byte: the system takes
it away at the moment in which its holder ends, however it ends, and a fork does not inherit it.
Such a lock belongs to the process and not to a thread; and a process that closes the file at any
place gives back all that it holds there. So threads are kept apart by locks of their own, and all
who use a file in one process share one open file.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ...protocol.errors import TokenStoreError
from .memory import LOCK_WAIT
from .memory import ProcessLocks

if sys.platform != "win32":
    import fcntl

_log = logging.getLogger(__name__)

#: Bytes that there are to lock. Two names that share one wait for each other, which is all.
_BYTES = 2**31
#: Seconds between two tries, at first and at last.
_FIRST_PAUSE, _LAST_PAUSE = 0.001, 0.05


class FileLocks:
    """A lock for each name, of all processes of this machine that use the file.

    :param path: the file; it is made, and stays empty. Only its owner may open it.
    :param like: a file whose owner and permissions it gets instead.
    """

    def __init__(self, path: str | os.PathLike[str], like: Path | None = None) -> None:
        self._path = Path(path).resolve()
        self._like = like
        self._threads = _threads_of(self._path)

    def __repr__(self) -> str:
        return f"<FileLocks in {self._path}>"

    @contextmanager
    def hold(self, name: str, wait: float = LOCK_WAIT) -> Generator[None]:
        """Hold a lock.

        :param name: its name.
        :param wait: seconds to wait for it.
        :raises TokenStoreError: if others hold it for longer.
        :raises OSError: if the file cannot be opened.
        """
        deadline = time.monotonic() + wait
        place = _place(name)
        with self._threads.hold(str(place), wait):
            if sys.platform == "win32":
                _tell_once()
                yield
                return
            file = self._lock(place, deadline)
            try:
                yield
            finally:
                fcntl.lockf(file.number, fcntl.LOCK_UN, 1, place)

    def _lock(self, place: int, deadline: float) -> _File:
        pause = _FIRST_PAUSE
        while True:
            file = _open(self._path, self._like)
            # What was removed is no longer the file that the others have.
            if _is_locked(file, place) and file.is_at(self._path):
                return file
            if time.monotonic() > deadline:
                raise TokenStoreError("token_busy")
            time.sleep(pause)
            pause = min(2 * pause, _LAST_PAUSE)


class _File:
    """An open file. It is closed when nobody holds a lock in it and another one is in its place."""

    def __init__(self, number: int) -> None:
        self.number = number
        state = os.fstat(number)
        self._name = state.st_dev, state.st_ino

    def __del__(self) -> None:
        os.close(self.number)

    def is_at(self, path: Path) -> bool:
        """Whether it is what is found at a path."""
        try:
            state = path.stat()
        except FileNotFoundError:
            return False
        return self._name == (state.st_dev, state.st_ino)


_guard = threading.Lock()
_files: dict[Path, _File] = {}
_threads: dict[Path, ProcessLocks] = {}


def _threads_of(path: Path) -> ProcessLocks:
    with _guard:
        return _threads.setdefault(path, ProcessLocks())


def _open(path: Path, like: Path | None) -> _File:
    with _guard:
        file = _files.get(path)
        if file is None or not file.is_at(path):
            file = _files[path] = _File(_opened(path, like))
        return file


def _opened(path: Path, like: Path | None) -> int:
    flags = os.O_RDWR | os.O_CLOEXEC
    try:
        number = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.open(path, flags)
    if like is not None:
        state = like.stat()
        os.fchmod(number, state.st_mode & 0o666)
        if os.geteuid() == 0:  # a command that was run as root must not shut the workers out
            os.fchown(number, state.st_uid, state.st_gid)
    return number


def _is_locked(file: _File, place: int) -> bool:
    try:
        fcntl.lockf(file.number, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
    except (BlockingIOError, PermissionError):  # POSIX lets a system say either
        return False
    return True


def _place(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % _BYTES


_told = threading.Event()


def _tell_once() -> None:
    if not _told.is_set():
        _told.set()
        _log.warning(
            "this system has no record locks: only the threads of one process are kept apart. "
            "Keep tokens in a database server or in Redis if several processes share them."
        )


def _renew_guard() -> None:
    global _guard  # noqa: PLW0603  a thread of the parent may have held it
    _guard = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_guard)
