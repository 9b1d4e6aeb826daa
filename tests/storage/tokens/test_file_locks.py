"""Locks between the processes of one machine."""

from __future__ import annotations

import gc
import os
import stat
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.errors import TokenStoreError
from flask_oauthclient.storage.tokens import file_locks
from flask_oauthclient.storage.tokens.file_locks import FileLocks
from flask_oauthclient.storage.tokens.memory import ProcessLocks
from tests.helpers.leaks import Watch
from tests.storage.tokens._sql_worker import Worker
from tests.storage.tokens._sql_worker import workers


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "locks"


def is_free(file: Path, name: str, wait: float = 0.0) -> bool:
    """Whether this process can have a lock."""
    with ExitStack() as stack:
        try:
            stack.enter_context(FileLocks(file).hold(name, wait))
        except TokenStoreError as error:
            return error.error != "token_busy"
        return True


def holding(worker: Worker) -> None:
    worker.go()
    worker.expect("holding")


def test_one_thread_at_a_time(file: Path) -> None:
    inside, most = 0, 0

    def work(_: int) -> None:
        nonlocal inside, most
        with FileLocks(file).hold("name"):
            inside += 1
            most = max(most, inside)
            inside -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(100)))
    assert (inside, most) == (0, 1)


def test_another_process_waits_and_other_names_do_not(file: Path) -> None:
    with workers(1, "lock", str(file), "name") as [worker]:
        holding(worker)
        assert not is_free(file, "name")
        assert is_free(file, "another name")
        worker.go()
        assert worker.result() == "released"
        assert is_free(file, "name")


def test_a_lock_of_this_process_keeps_others_out(file: Path) -> None:
    with workers(1, "lock", str(file), "name") as [worker]:
        with FileLocks(file).hold("name"):
            assert is_free(file, "another name"), "and giving that back leaves ours as it is"
            worker.go()
            assert not is_free(file, "name")
        worker.expect("holding")


def test_the_lock_of_a_killed_process_is_free_at_once(file: Path) -> None:
    with workers(1, "lock", str(file), "name") as [worker]:
        holding(worker)
        assert not is_free(file, "name")
        worker.kill()
        assert is_free(file, "name")


def test_who_waits_goes_on_when_the_holder_is_killed(file: Path) -> None:
    with workers(1, "lock", str(file), "name") as [worker], ThreadPoolExecutor() as pool:
        holding(worker)
        waiting = pool.submit(is_free, file, "name", 20.0)
        assert not waiting.done()
        worker.kill()
        assert waiting.result(timeout=5)


def test_waiting_ends(file: Path) -> None:
    with workers(1, "lock", str(file), "name") as [worker]:
        holding(worker)
        begun = time.monotonic()
        assert not is_free(file, "name", 0.2)
        assert 0.2 <= time.monotonic() - begun < 5


def test_threads_and_processes_share_the_time_to_wait(file: Path) -> None:
    with FileLocks(file).hold("name"), ThreadPoolExecutor() as pool:
        begun = time.monotonic()
        assert not pool.submit(is_free, file, "name", 0.2).result()
        assert time.monotonic() - begun < 5


def test_two_names_on_one_byte_wait_for_each_other(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_locks, "_BYTES", 1)
    with FileLocks(file).hold("one"), ThreadPoolExecutor() as pool:
        assert not pool.submit(is_free, file, "two").result()
    assert is_free(file, "two")


def test_a_byte_that_is_tried_in_vain_by_a_thread_stays_locked(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = file_locks._place("name")
    monkeypatch.setattr(file_locks, "_place", lambda name: place)
    with workers(1, "lock", str(file), "name") as [worker]:
        with FileLocks(file).hold("one"), ThreadPoolExecutor() as pool:
            assert not pool.submit(is_free, file, "two").result()
            assert not _is_free_in_child(file, "three")
            worker.go()
        worker.expect("holding")


def test_a_forked_child_does_not_have_the_locks_of_its_parent(file: Path) -> None:
    locks = FileLocks(file)
    with locks.hold("name"):
        assert not _is_free_in_child(file, "name")
        assert _is_free_in_child(file, "another name")
        assert not _is_free_in_child(file, "name"), "the child has freed nothing"
    assert _is_free_in_child(file, "name")


def _is_free_in_child(file: Path, name: str) -> bool:
    return _in_child(lambda: is_free(file, name))


def _in_child(is_so: Callable[[], bool]) -> bool:
    """Ask a child of this process, which ends then, whatever happens."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python's, of a process with threads
        child = os.fork()
    if child == 0:
        answer = 2
        try:
            answer = int(is_so())
        finally:
            os._exit(answer)
    _, status = os.waitpid(child, 0)
    answer = os.waitstatus_to_exitcode(status)
    assert answer in (0, 1)
    return bool(answer)


def test_a_child_that_is_forked_while_a_file_is_opened_can_open_files() -> None:
    with file_locks._guard:
        assert _in_child(lambda: file_locks._guard.acquire(timeout=5))


def test_a_file_that_was_removed_is_made_anew(file: Path) -> None:
    assert is_free(file, "name")
    file.unlink()
    with workers(1, "lock", str(file), "name") as [worker]:
        holding(worker)
        assert not is_free(file, "name")


def test_a_child_is_not_kept_out_by_threads_of_its_parent() -> None:
    locks = ProcessLocks()

    def can_hold() -> bool:
        with locks.hold("name", wait=0.1):
            return True

    with locks.hold("name"):
        assert _in_child(can_hold)
        with pytest.raises(TokenStoreError):
            can_hold()


def test_a_lock_in_a_file_that_is_removed_just_then_is_none(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_locked, removed = file_locks._is_locked, threading.Event()

    def late(*arguments: Any) -> bool:
        if not removed.is_set():
            removed.set()
            file.unlink()
        return is_locked(*arguments)

    monkeypatch.setattr(file_locks, "_is_locked", late)
    with FileLocks(file).hold("name"):
        assert not _is_free_in_child(file, "name")


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_file_that_is_no_longer_needed_is_closed(file: Path) -> None:
    gc.collect()  # what other tests have left
    with FileLocks(file).hold("name"):
        before = _open_files()
        file.unlink()
        assert is_free(file, "another name")
        assert _open_files() == before + 1
    assert _open_files() == before


def test_one_open_file_for_all_who_use_it(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(file)
    with FileLocks(file).hold("name"):
        before = _open_files()
        assert is_free(link, "another name")
        assert _open_files() == before


def test_only_the_owner_may_open_the_file(file: Path) -> None:
    assert is_free(file, "name")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_bytes() == b""


def test_a_file_can_be_as_another_one_is(file: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.touch()
    model.chmod(0o664)
    with FileLocks(file, like=model).hold("name"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o664
        assert (file.stat().st_uid, file.stat().st_gid) == (
            model.stat().st_uid,
            model.stat().st_gid,
        )


def test_a_folder_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), FileLocks(tmp_path / "none" / "locks").hold("name"):
        pass


def test_a_lock_is_given_back_after_an_error(file: Path) -> None:
    with pytest.raises(OAuthError, match="mine"), FileLocks(file).hold("name"):
        raise OAuthError("mine")
    assert is_free(file, "name")


def test_a_system_without_record_locks_keeps_threads_apart_and_says_so_once(
    file: Path, monkeypatch: pytest.MonkeyPatch, watch: Watch
) -> None:
    monkeypatch.setattr(file_locks.sys, "platform", "win32")
    monkeypatch.setattr(file_locks, "_told", threading.Event())
    with FileLocks(file).hold("name"), ThreadPoolExecutor() as pool:
        assert not pool.submit(is_free, file, "name").result()
    assert watch.logged("only the threads of one process are kept apart")
    assert not file.exists()
