"""``await oauth.x.aget(...)``: a client for each event loop, and none when that is over."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import trio
from asgiref.wsgi import WsgiToAsgi
from flask import Flask

from flask_oauthclient import OAuth
from flask_oauthclient.protocol.errors import MissingConfigurationError
from tests.servers.process import running
from tests.tokens._processes import ROOT

from ._api import CLIENT
from ._api import Api
from ._api import serving
from ._api import wait_until

TOKEN = {"access_token": "a-token-of-a-user", "token_type": "Bearer"}


@pytest.fixture
def api() -> Iterator[Api]:
    with serving() as api:
        yield api
        gc.collect()  # what was not closed would say so now
        wait_until(lambda: not api.open_connections, "A connection was left open.")


@pytest.fixture
def oauth(api: Api) -> Iterator[Any]:
    app = Flask("views")
    oauth = OAuth(app, fetch_token=lambda name: TOKEN)
    oauth.register("demo", **api.client())
    with app.app_context():
        client = oauth.create_client("demo")
    yield oauth
    assert client._of_loops._of_loop == {}
    client.session.close()


@pytest.fixture
def app(oauth: Any) -> Flask:
    app: Flask = oauth.app

    @app.get("/one")
    async def one() -> Any:
        return await _one(oauth)

    @app.get("/both")
    async def both() -> Any:
        return await _both(oauth)

    return app


async def _one(oauth: Any) -> Any:
    return (await oauth.demo.aget("echo")).json()["headers"]["Authorization"]


async def _both(oauth: Any) -> Any:
    answers = await asyncio.gather(oauth.demo.aget("echo"), oauth.demo.aget("echo"))
    third = await oauth.demo.aget("echo")
    return [a.json()["headers"]["Authorization"] for a in (*answers, third)]


def test_calls_of_a_view_share_connections(app: Flask, api: Api) -> None:
    answer = app.test_client().get("/both")
    assert answer.json == ["Bearer a-token-of-a-user"] * 3
    assert api.server.connections == 2
    wait_until(lambda: not api.open_connections, "A connection outlived its loop.")


def test_each_view_has_a_client_and_closes_it(app: Flask, api: Api, oauth: Any) -> None:
    for number in range(1, 6):
        assert app.test_client().get("/one").text == "Bearer a-token-of-a-user"
        assert oauth.demo._of_loops._of_loop == {}
        assert api.server.connections == number


def test_views_of_many_threads(app: Flask, api: Api) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda _: app.test_client().get("/both").json, range(40))
        assert list(answers) == [["Bearer a-token-of-a-user"] * 3] * 40


def test_a_view_that_fails_leaves_nothing_open(app: Flask, oauth: Any, api: Api) -> None:
    async def broken() -> Any:
        await oauth.demo.aget("echo")
        raise LookupError("of the view")

    app.add_url_rule("/broken", view_func=broken)
    app.testing = True
    with pytest.raises(LookupError):
        app.test_client().get("/broken")
    wait_until(lambda: not api.open_connections, "A connection outlived its loop.")


def test_a_call_that_is_cancelled_leaves_nothing_open(app: Flask, oauth: Any, api: Api) -> None:
    async def impatient() -> Any:
        call = asyncio.ensure_future(oauth.demo.aget("slow"))
        await asyncio.to_thread(api.waiting.wait, 20)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        return await _one(oauth)

    app.add_url_rule("/impatient", view_func=impatient)
    app.testing = True
    assert app.test_client().get("/impatient").text == "Bearer a-token-of-a-user"
    api.let_go.set()


def test_a_loop_may_end_while_a_call_is_on_its_way(app: Flask, oauth: Any, api: Api) -> None:
    async def careless() -> str:
        careless.call = asyncio.ensure_future(oauth.demo.aget("slow"))  # type: ignore[attr-defined]
        await asyncio.to_thread(api.waiting.wait, 20)
        return "done"

    app.add_url_rule("/careless", view_func=careless)
    assert app.test_client().get("/careless").text == "done"
    assert careless.call.cancelled()  # type: ignore[attr-defined]
    api.let_go.set()


def test_a_loop_that_ends_badly_is_forgotten(app: Flask, oauth: Any, api: Api) -> None:
    with app.app_context():
        loop = asyncio.new_event_loop()
        loop.run_until_complete(_one(oauth))
        loop.close()  # and has closed no generator
        assert list(oauth.demo._of_loops._of_loop) == [loop]
        del loop
        asyncio.run(_one(oauth))
        with pytest.warns(ResourceWarning, match="unclosed"):  # as whoever does that can expect
            gc.collect()


def test_a_loop_that_is_kept_keeps_its_connection(app: Flask, oauth: Any, api: Api) -> None:
    with app.app_context(), asyncio.Runner() as runner:
        for _ in range(5):
            assert runner.run(_one(oauth)) == "Bearer a-token-of-a-user"
    assert api.server.connections == 1


def test_one_loop_for_many_requests(app: Flask, oauth: Any, api: Api) -> None:
    asgi = WsgiToAsgi(app)

    async def visit(path: str) -> bytes:
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "path": path,
            "query_string": b"",
            "headers": [(b"host", b"rp.test")],
        }
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        await asgi(scope, receive, send)
        return b"".join(message.get("body", b"") for message in sent)

    async def serve() -> list[bytes]:
        first = [await visit("/one") for _ in range(3)]
        return first + await asyncio.gather(*(visit("/one") for _ in range(8)))

    assert asyncio.run(serve()) == [b"Bearer a-token-of-a-user"] * 11
    assert api.server.connections <= 8


def test_a_script_needs_no_application_context_with_a_token_of_its_own(api: Api) -> None:
    app = Flask("script")
    oauth = OAuth(app)
    client = oauth.register("demo", **api.client())

    async def main() -> Any:
        answer = await client.aget("echo", token=TOKEN)
        return answer.json()["headers"]["Authorization"]

    with app.app_context():
        assert asyncio.run(main()) == "Bearer a-token-of-a-user"


def test_under_trio_it_is_said_what_is_missing(oauth: Any) -> None:
    async def main() -> None:
        await oauth.demo.aget("echo", token=TOKEN)

    with pytest.raises(MissingConfigurationError, match="event loop of asyncio"):
        trio.run(main)


def test_without_any_loop_it_is_said_what_is_missing(oauth: Any) -> None:
    call = oauth.demo.aget("echo", token=TOKEN)
    with pytest.raises(MissingConfigurationError, match="event loop of asyncio"):
        call.send(None)


WITHOUT_HTTPX2 = """
import asyncio, sys
sys.modules["httpx2"] = None
from flask import Flask
from flask_oauthclient import OAuth
app = Flask("app")
app.secret_key = "the secret key of these tests"
oauth = OAuth(app)
oauth.register("demo", client_id="a", client_secret="b", api_base_url=sys.argv[1],
               access_token_url=sys.argv[1] + "token", authorize_url=sys.argv[1] + "authorize")
token = {"access_token": "a-token", "token_type": "Bearer"}
with app.test_request_context():
    for _ in range(2):
        try:
            asyncio.run(oauth.demo.aget("echo", token=token))
        except ImportError as error:
            print(error)
    print(oauth.demo.get("echo", token=token).status_code)
    print(oauth.demo.authorize_redirect("https://rp.test/callback").status_code)
    oauth.demo.session.close()
"""


def test_without_httpx2_everything_else_works(api: Api) -> None:
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", WITHOUT_HTTPX2, api.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    hint = "flask_oauthclient.httpx_client needs httpx2: pip install 'flask_oauthclient[httpx]'"
    assert (done.stdout.splitlines(), done.stderr) == ([hint, hint, "200", "302"], "")


def test_a_registration_that_is_replaced_closes_its_clients(app: Flask, api: Api) -> None:
    oauth = OAuth(app)
    oauth.register("other", **api.client())

    async def main() -> None:
        await oauth.other.aget("echo", token=TOKEN)
        oauth.register("other", overwrite=False, **{**api.client(), **CLIENT})
        gc.collect()
        await oauth.other.aget("echo", token=TOKEN)

    with app.app_context():
        asyncio.run(main())
    assert api.server.connections == 2


@pytest.mark.parametrize("server", ["gunicorn", "werkzeug"])
def test_real_servers_serve_it_without_a_warning(api: Api, server: str) -> None:
    module = "tests.flask_client._async_server"
    command = [sys.executable, "-X", "dev", "-m", module, server, api.url]
    with running(command, cwd=ROOT) as process, ThreadPoolExecutor(8) as threads:
        url = f"http://127.0.0.1:{process.first_line()['port']}"
        answers = threads.map(lambda _: requests.get(f"{url}/both", timeout=30).json(), range(40))
        assert list(answers) == [[200, 200]] * 40
        assert requests.get(f"{url}/left", timeout=30).json() == {"loops": 0}
        wait_until(lambda: not api.open_connections, "A connection outlived its loop.")
        process.errors.seek(0)
        said = process.errors.read().decode()
    assert "Warning" not in said
    assert "Traceback" not in said
