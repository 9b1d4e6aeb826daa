"""What a real browser makes of the targets that get through: Chromium resolves and visits them."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from urllib.parse import urlsplit

import flask
import pytest
from werkzeug.serving import WSGIRequestHandler
from werkzeug.serving import make_server

from flask_oauthclient.sign_in.next_url import safe_next
from tests.servers.fixtures import _required

from ._hostile_targets import GOOD
from ._hostile_targets import hostile
from ._hostile_targets import nasty
from ._hostile_targets import pathname

#: Pages of ours from which a browser may be sent to a target.
BASES = (
    "https://app.example/some/page",
    "https://app.example//x.test/../y?z=//w#//v",
    "http://app.example:8080/",
    "http://[::1]:5000/a/b/",
)
_REFUSED = "/refused"
_LIMIT = 45
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
)
_RESOLVE = """<!doctype html><meta charset="utf-8">
<script type="application/json" id="given">GIVEN</script><pre id="found"></pre><script>
const [targets, bases] = JSON.parse(document.getElementById("given").textContent);
const resolve = (target, base) => {
  try { const url = new URL(target, base); return [url.origin, url.pathname]; }
  catch { return null; }
};
const found = targets.map((target) => bases.map((base) => resolve(target, base)));
document.getElementById("found").textContent = JSON.stringify(found);
</script>"""


class Chromium:
    """Opens one page at a time, each in a new profile.

    :param program: where it is installed.
    :param directory: for its profiles.
    """

    def __init__(self, program: str, directory: Path) -> None:
        self._program = program
        self._directory = directory

    def dump(self, url: str) -> str:
        """The page as it is when it and all its frames have loaded."""
        flags = [*_FLAGS, f"--user-data-dir={self._directory / 'profile'}", "--dump-dom", url]
        with subprocess.Popen(
            [self._program, *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # so that its helpers end with it
        ) as process:
            try:
                return process.communicate(timeout=_LIMIT)[0]
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise

    def resolve(self, targets: list[str]) -> list[list[tuple[str, str] | None]]:
        """Origin and path that each target has at each of the :data:`BASES`."""
        given = json.dumps([targets, BASES]).replace("<", "\\u003c")
        page = self._directory / "resolve.html"
        page.write_text(_RESOLVE.replace("GIVEN", given))
        dumped = re.search(r'<pre id="found">(.*?)</pre>', self.dump(page.as_uri()), re.DOTALL)
        assert dumped is not None
        found: list[list[tuple[str, str] | None]] = json.loads(html.unescape(dumped[1]))
        return found


@pytest.fixture
def chromium(tmp_path: Path) -> Chromium:
    """Chromium as the machine has it."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    return Chromium(_required(program, "chromium"), tmp_path)


# -- resolved --------------------------------------------------------------------------------


def origin_of(base: str) -> str:
    """Of a page of ours."""
    return "{0.scheme}://{0.netloc}".format(urlsplit(base))


def is_at_home(found: list[Any]) -> bool:
    """Whether a target stays at the origin of each base, and what it asks for is no other host."""
    return all(
        place is not None and place[0] == origin_of(base) and not place[1].startswith("//")
        for base, place in zip(BASES, found, strict=True)
    )


def decoded(target: str) -> list[str]:
    """What proxies that decode a path or all of a target make of it."""
    path, rest = re.fullmatch(r"([^?#]*)(.*)", target, re.DOTALL).groups()  # type: ignore[union-attr]
    return [unquote(path) + rest, unquote(unquote(path)) + rest, unquote(target)]


def test_chromium_resolves_what_gets_through_to_this_site(chromium: Chromium) -> None:
    made_up = nasty(6000, seed=20_260)
    accepted = [
        target for target in (*GOOD, *made_up) if safe_next(target, default=_REFUSED) == target
    ]
    readings = list(dict.fromkeys(r for target in accepted for r in decoded(target)))
    refused = [target for target in hostile() if len(target) < 3000]
    targets = [*accepted, *readings, *refused]
    found = dict(zip(targets, chromium.resolve(targets), strict=True))
    assert len(accepted) > 1500
    assert [target for target in (*accepted, *readings) if not is_at_home(found[target])] == []
    # And it is a browser that tells: most of what is refused does lead away in it.
    assert sum(not is_at_home(found[target]) for target in refused) > 1000


# -- visited ---------------------------------------------------------------------------------


@dataclass
class Server:
    """A site on the loopback address that notes what it is asked for."""

    app: flask.Flask
    port: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def host(self) -> str:
        """What browsers call it."""
        return f"127.0.0.1:{self.port}"

    def visited(self) -> list[str]:
        """The pages that were asked for, decoded, without those that a test is made of."""
        assert {host for host, _ in self.asked} <= {self.host}
        of_the_test = ("/frames", "/go?", "/favicon.ico")
        return sorted(unquote(page) for _, page in self.asked if not page.startswith(of_the_test))


@contextmanager
def serving() -> Iterator[Server]:
    """Serve an application in which every path is a page."""
    server = Server(flask.Flask("site"))

    class Noting(WSGIRequestHandler):
        # The request as it came: what WSGI makes of it has lost the second slash of two.
        def log_request(self, *_: object) -> None:
            server.asked.append((self.headers["Host"], self.requestline.split(" ")[1]))

    server.app.register_error_handler(404, lambda _: "a page")
    server.app.after_request(_not_stored)
    listener = make_server("127.0.0.1", 0, server.app, threaded=True, request_handler=Noting)
    server.port = listener.server_port
    thread = threading.Thread(target=listener.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()


def _not_stored(response: flask.Response) -> flask.Response:
    response.cache_control.no_store = True
    return response


@pytest.fixture
def site() -> Iterator[Server]:
    """Our site."""
    with serving() as server:
        yield server


@pytest.fixture
def elsewhere() -> Iterator[Server]:
    """The site that hostile targets name."""
    with serving() as server:
        yield server


def visit_in_frames(chromium: Chromium, site: Server, sources: list[str]) -> None:
    """Open a page with a frame for each of the addresses."""
    body = "".join(f'<iframe src="{html.escape(source)}"></iframe>' for source in sources)
    site.app.add_url_rule("/frames", "frames", lambda: f"<!doctype html>{body}")
    chromium.dump(f"http://{site.host}/frames")
    assert "/frames" in [page for _, page in site.asked]


def request_for(target: str) -> str:
    """What a browser asks for at an address, decoded."""
    return unquote(target.strip(" ").partition("#")[0])


def kept_targets() -> list[str]:
    """Some of what gets through."""
    made_up = [
        target for target in nasty(400, seed=7) if safe_next(target, default=_REFUSED) == target
    ]
    return [*GOOD, *made_up[:40]]


def hostile_paths(host: str) -> list[str]:
    """Some of what leads to a host and begins as a path does."""
    targets = [target for target in hostile(host) if target[:1] in ("/", "\\")]
    # Frames never open an address with a user's name in it.
    away = [target for target in targets if pathname(target) is None and "@" not in target]
    return [*away[::3], *(target for target in targets[::24] if len(target) < 3000)]


def test_chromium_follows_redirects_within_this_site(
    chromium: Chromium, site: Server, elsewhere: Server
) -> None:
    kept, refused = kept_targets(), hostile_paths(elsewhere.host)
    targets = [*kept, *refused]

    @site.app.get("/go")
    def go() -> Any:
        target = targets[int(flask.request.args["i"])]
        return flask.redirect(safe_next(target, default=_REFUSED))

    visit_in_frames(chromium, site, [f"/go?i={number}" for number in range(len(targets))])
    expected = [request_for(target).removesuffix("?") for target in kept]
    assert len(refused) > 50
    assert site.visited() == sorted([*expected, *[_REFUSED] * len(refused)])
    assert elsewhere.asked == []


def test_chromium_follows_addresses_in_a_page_within_this_site(
    chromium: Chromium, site: Server
) -> None:
    kept = kept_targets()
    visit_in_frames(chromium, site, kept)
    assert site.visited() == sorted(request_for(target) for target in kept)


def test_chromium_would_follow_hostile_targets(
    chromium: Chromium, site: Server, elsewhere: Server
) -> None:
    targets = hostile_paths(elsewhere.host)
    visit_in_frames(chromium, site, [t.encode(errors="replace").decode() for t in targets])
    assert len(elsewhere.asked) > 10
