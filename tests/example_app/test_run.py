"""``python -m example_app``, as a person starts it."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from queue import Queue

import pytest

from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.example_app._browser import Browser

ROOT = Path(__file__).resolve().parents[2]
WAIT = 30


class Program:
    """A started program and what it prints, line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.seen = ""
        self._lines: Queue[str] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def wait_for(self, pattern: str) -> str:
        while not (found := re.search(pattern, self.seen)):
            try:
                self.seen += self._lines.get(timeout=WAIT)
            except Empty:
                pytest.fail(f"{pattern!r} was not printed within {WAIT} s: {self.seen}")
        return found.group(1)

    def stop(self) -> int:
        self.process.terminate()
        code = self.process.wait(WAIT)
        self._reader.join(WAIT)
        while not self._lines.empty():
            self.seen += self._lines.get()
        return code


@contextlib.contextmanager
def started(*arguments: str, **environment: str) -> Iterator[Program]:
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("DEMO_", "EXAMPLE_", "FLASK_"))
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "example_app", *arguments],
        cwd=ROOT,
        env={**kept, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield Program(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(WAIT)
        assert process.stdout is not None
        process.stdout.close()


def test_one_command_one_login() -> None:
    with started() as program:
        url = program.wait_for(r"Open +(http://127\.0\.0\.1:\d+/)\n")
        page = Browser().open(url).click("Sign in with the development provider")
        page = page.click("Alice").click("Allow").click("API").click("Add note", text="It works")
        assert "It works" in page.text
        page = page.click("Tokens").click("Refresh now")
        assert "Refresh token rotated" in page.text
        page = page.click("Sign out")
        assert "You are signed out" in page.text
        program.wait_for(r"(GET /auth/callback/demo -> 302)")
        assert program.stop() == 0
    assert "Stopped." in program.seen
    assert "Traceback" not in program.seen
    assert "code=" not in program.seen


def test_a_taken_port_is_no_obstacle() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with started("--port", str(port)) as program:
            other = program.wait_for(rf"Port {port} is taken, so the app uses port (\d+)\.")
            url = program.wait_for(r"Open +(http://\S+)\n")
            assert url == f"http://127.0.0.1:{other}/"
            assert Browser().open(url).status == 200
            assert program.stop() == 0


def test_two_demos_in_one_browser_do_not_disturb_each_other() -> None:
    browser = Browser()
    with started("--port", "0") as one, started("--port", "0") as two:
        urls = [each.wait_for(r"Open +(http://\S+)\n") for each in (one, two)]
        for url, person in zip(urls, ("Alice", "Bob"), strict=True):
            browser.open(url).click("Sign in with").click(person).click("Allow")
        for url, name in zip(urls, ("Alice Example", "Bob Sample"), strict=True):
            assert name in browser.open(f"{url}profile").text


def test_another_issuer_needs_a_client() -> None:
    with started(EXAMPLE_ISSUER="https://op.test") as program:
        program.wait_for(r"(DEMO_CLIENT_ID is not)")
        assert program.process.wait(WAIT) == 2
    assert "Traceback" not in program.seen


def test_another_issuer_is_explained() -> None:
    settings = {"EXAMPLE_ISSUER": "https://op.test/tenant", "DEMO_CLIENT_ID": "me"}
    with started("--port", "0", **settings) as program:
        url = program.wait_for(r"Open +(http://\S+)\n")
        assert program.wait_for(r"redirect URI +(\S+)\n") == f"{url}auth/callback/demo"
        assert "Sign in with op.test" in Browser().open(url).text
        assert program.stop() == 0


def test_one_setting_points_at_another_provider(free_port: int) -> None:
    here = f"http://127.0.0.1:{free_port}"
    client = ClientRecord(
        "me",
        redirect_uris=(f"{here}/auth/callback/demo",),
        post_logout_redirect_uris=(f"{here}/auth/logout/callback",),
    )
    provider = DevelopmentProvider(clients=[client], signing_alg="ES256")
    with provider.serve() as server:
        provider.issuer = f"{server.url}/tenant"
        settings = {"EXAMPLE_ISSUER": provider.issuer, "DEMO_CLIENT_ID": "me"}
        with started("--port", str(free_port), **settings) as program:
            program.wait_for(r"(Open)")
            page = Browser().open(here).click("Sign in with").click("Alice").click("Allow")
            assert "Alice Example" in page.text
            page = page.click("API")
            assert "oauth.demo.userinfo()" in page.text
            page = page.click("Tokens").click("Refresh now")
            assert "The provider gave out a new access token." in page.text
            page = page.click("Sign out")
            assert "You are signed out" in page.text
            assert program.stop() == 0
