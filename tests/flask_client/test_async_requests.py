"""What asynchronous calls send, to whom, and how a registration's settings are understood."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from flask import Flask

from flask_oauthclient import OAuth
from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import TransportError

from ._api import Api
from ._api import serving
from ._api import wait_until

TOKEN = {"access_token": "a-token-of-a-user", "token_type": "Bearer"}
TOKEN_1 = {"oauth_token": "a-token", "oauth_token_secret": "the secret of a token"}
BEARER = "Bearer a-token-of-a-user"


@pytest.fixture
def api() -> Iterator[Api]:
    with serving() as api:
        yield api
        wait_until(lambda: not api.open_connections, "A connection was left open.")


@pytest.fixture
def call(api: Api) -> Callable[..., Any]:
    """Call ``client.method(...)`` in an event loop.

    ``register`` are further keywords of the registration.
    """

    def call(method: str, *args: Any, register: Any = None, **kwargs: Any) -> Any:
        app = Flask("calls")
        oauth = OAuth(app)
        oauth.register("demo", **api.client(**(register or {})))
        kwargs.setdefault("token", TOKEN)

        async def main() -> Any:
            return await getattr(oauth.demo, method)(*args, **kwargs)

        with app.app_context():
            return asyncio.run(main())

    return call


@pytest.mark.parametrize("method", ["get", "options", "post", "put", "patch", "delete"])
def test_each_method_has_a_call(call: Any, method: str) -> None:
    answer = call(f"a{method}", "echo")
    assert isinstance(answer, httpx2.Response)
    assert answer.json()["method"] == method.upper()
    assert answer.json()["headers"]["Authorization"] == BEARER


def test_head_follows_no_redirect_unless_it_is_told_to(call: Any, api: Api) -> None:
    path = f"to?url={api.url}echo"
    assert call("ahead", "echo").status_code == 200
    assert call("ahead", path).status_code == 302
    assert call("ahead", path, follow_redirects=True).status_code == 200


def test_redirects_are_followed_as_calls_that_block_follow_them(call: Any, api: Api) -> None:
    path = f"to?url={api.url}echo"
    assert call("aget", path).json()["headers"]["Authorization"] == BEARER
    assert call("aget", path, follow_redirects=False).status_code == 302
    settings = {"client_kwargs": {"follow_redirects": False}}
    assert call("aget", path, register=settings).status_code == 302


@pytest.mark.parametrize(
    "register",
    [
        {},
        {"request_token_url": "http://127.0.0.1/r", "authorize_url": "http://127.0.0.1/a"},
    ],
)
def test_a_redirect_to_another_origin_takes_nothing_along(call: Any, register: Any) -> None:
    token = TOKEN_1 if register else TOKEN
    with serving() as other:
        answer = call("aget", f"to?url={other.url}echo", register=register, token=token)
    assert answer.url.port == other.server.port
    assert "Authorization" not in answer.json()["headers"]
    assert "Cookie" not in answer.json()["headers"]


def test_no_cookie_is_kept(api: Api) -> None:
    app = Flask("calls")
    oauth = OAuth(app)
    oauth.register("demo", **api.client())

    async def main() -> list[Any]:
        return [(await oauth.demo.aget("echo", token=TOKEN)).json()["headers"] for _ in range(2)]

    with app.app_context():
        for headers in asyncio.run(main()):
            assert "Cookie" not in headers
            assert headers["User-Agent"].startswith("flask_oauthclient/")


def test_the_name_of_the_application_is_sent(call: Any) -> None:
    answer = call("aget", "echo", register={"user_agent": "shop/2"})
    assert answer.json()["headers"]["User-Agent"] == "shop/2"


@pytest.mark.parametrize("auth", [None, httpx2.BasicAuth("me", "my password")])
def test_something_else_than_the_token_may_be_sent(call: Any, auth: Any) -> None:
    sent = call("aget", "echo", auth=auth).json()["headers"]["Authorization"]
    assert sent.partition(" ")[0] == ("Bearer" if auth is None else "Basic")


def test_the_token_may_be_withheld(call: Any) -> None:
    answer = call("aget", "echo", withhold_token=True, token=None)
    assert "Authorization" not in answer.json()["headers"]


def test_a_token_goes_to_its_api_only(call: Any) -> None:
    with serving() as other, pytest.raises(InsecureTransportError) as caught:
        call("aget", f"{other.url}echo")
    assert caught.value.error == "token_origin"
    assert other.server.connections == 0


def test_a_token_does_not_travel_in_the_clear(call: Any) -> None:
    settings = {"api_base_url": "http://api.test/"}
    with pytest.raises(InsecureTransportError):
        call("aget", "echo", register=settings)


def test_compliance_fixes_adapt_these_calls_too(call: Any) -> None:
    def fix(client: Any) -> None:
        async def add_version(url: str, headers: Any, body: Any) -> Any:
            await asyncio.sleep(0)
            return url, {**headers, "X-Version": "3"}, body

        client.register_compliance_hook("protected_request", add_version)
        client.headers["Accept"] = "application/vnd.api+json"

    headers = call("aget", "echo", register={"compliance_fix": fix}).json()["headers"]
    assert (headers["X-Version"], headers["Accept"]) == ("3", "application/vnd.api+json")


# -- client_kwargs -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["hooks", "stream"])
def test_a_setting_of_requests_alone_is_refused(call: Any, name: str) -> None:
    with pytest.raises(InvalidSettingError, match=name):
        call("aget", "echo", register={"client_kwargs": {name: {}}})


def test_a_transport_that_blocks_is_refused(call: Any) -> None:
    with pytest.raises(InvalidSettingError, match="transport"):
        call("aget", "echo", register={"client_kwargs": {"transport": httpx2.WSGITransport(None)}})


def test_a_limit_on_size_holds(call: Any) -> None:
    with pytest.raises(TransportError):
        call("aget", "large", register={"client_kwargs": {"max_bytes": 1000}})
    assert len(call("aget", "large").content) == 100_000


@pytest.mark.parametrize("timeout", [0.05, (3, 0.05)])
def test_a_limit_on_time_holds(call: Any, timeout: Any, api: Api) -> None:
    with pytest.raises(httpx2.ReadTimeout):
        call("aget", "slow", register={"client_kwargs": {"timeout": timeout}})
    api.let_go.set()


@pytest.mark.parametrize("which", ["http", "all", "http://api.test"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_a_proxy_is_used(call: Any, api: Api, which: str, scheme: str) -> None:
    proxies = {which: f"{scheme}127.0.0.1:{api.server.port}", "no_proxy": "other.test"}
    settings = {
        "api_base_url": "http://api.test/",
        "insecure_http": True,
        "client_kwargs": {"proxies": proxies, "trust_env": False, "verify": True},
    }
    answer = call("aget", "echo", register=settings)
    assert answer.json()["headers"]["Host"] == "api.test"


def test_a_ca_bundle_that_is_not_there_is_said_early(call: Any, tmp_path: Any) -> None:
    settings = {"client_kwargs": {"verify": str(tmp_path / "nothing.pem")}}
    with pytest.raises(OSError, match=r"No such file|Could not find"):
        call("aget", "echo", register=settings)


# -- OAuth 1.0a --------------------------------------------------------------------------------

OAUTH1 = {"request_token_url": "http://127.0.0.1/r", "authorize_url": "http://127.0.0.1/a"}


def _signed(call: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
    found: dict[str, Any] = call(*args, register=OAUTH1, token=TOKEN_1, **kwargs).json()
    return found


def test_a_json_body_survives_signing(call: Any) -> None:
    echo = _signed(call, "apost", "echo", json={"text": "ünï"})
    assert echo["headers"]["Authorization"].startswith("OAuth ")
    assert echo["headers"]["Content-Type"] == "application/json"
    assert httpx2.Response(200, content=echo["body"].encode()).json() == {"text": "ünï"}


def test_a_form_survives_signing(call: Any) -> None:
    echo = _signed(call, "apost", "echo", data={"status": "a b"})
    assert echo["body"] == "status=a+b"
    assert 'oauth_token="a-token"' in echo["headers"]["Authorization"]


def test_a_client_may_sign_alone(call: Any) -> None:
    sent = _signed(call, "aget", "echo", withhold_token=True)["headers"]["Authorization"]
    assert sent.startswith("OAuth ")
    assert "oauth_token=" not in sent


@pytest.mark.parametrize("way", ["aget", "get"])
def test_something_else_than_a_signature_may_be_sent(call: Any, way: str, api: Api) -> None:
    app = Flask("calls")
    oauth = OAuth(app)
    oauth.register("demo", **api.client(**OAUTH1))
    with app.app_context():
        if way == "get":
            answer = oauth.demo.get("echo", token=TOKEN_1, auth=("me", "my password"))
            oauth.demo.session.close()
        else:
            answer = call(
                "aget", "echo", register=OAUTH1, token=TOKEN_1, auth=("me", "my password")
            )
    assert answer.json()["headers"]["Authorization"].startswith("Basic ")
