"""A client whose tokens are in a store, a server made of prepared answers, and other workers."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cachelib
import pytest
import redis
import sqlalchemy
from flask import Flask
from pymemcache.client.base import PooledClient

from flask_oauthclient import OAuth
from flask_oauthclient import TokenKey
from flask_oauthclient import token_refresh_failed
from flask_oauthclient import token_refreshed
from flask_oauthclient.storage.tokens.cache import CacheTokenStore
from flask_oauthclient.storage.tokens.memory import MemoryRows
from flask_oauthclient.storage.tokens.rows import Row
from flask_oauthclient.storage.tokens.rows import new_version
from flask_oauthclient.storage.tokens.sqlalchemy import SQLAlchemyTokenStore
from flask_oauthclient.storage.tokens.sqlalchemy import token_table
from flask_oauthclient.storage.tokens.store import SealedTokenStore
from tests.helpers.clock import Clock
from tests.helpers.leaks import Watch
from tests.protocol._keys import compact
from tests.protocol._keys import make_key
from tests.requests_client._answers import CLIENT_ID
from tests.requests_client._answers import CLIENT_SECRET
from tests.requests_client._answers import TOKEN_URL
from tests.requests_client._answers import Answer
from tests.requests_client._answers import Answers
from tests.requests_client._answers import expired
from tests.requests_client._answers import token

ISSUER = "https://op.test"
API = "https://api.test/"
USERINFO_URL = f"{ISSUER}/userinfo"
DISCOVERY_URL = f"{ISSUER}/.well-known/openid-configuration"
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": TOKEN_URL,
    "jwks_uri": f"{ISSUER}/jwks",
    "userinfo_endpoint": USERINFO_URL,
    "revocation_endpoint": f"{ISSUER}/revoke",
}
SIGNING_KEY = make_key("ES256")
OWNER = "7"
KEYS = ["the key that seals the tokens of these tests"]

OK = Answer({"ok": True})
NEW = Answer(token("new", expires_in=3600))
ROTATED = Answer(token("new", expires_in=3600, refresh_token="refresh-token-new"))
DEAD = Answer({"error": "invalid_grant"}, 400)
REFUSED = Answer({}, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})

MakeAnswer = Callable[[Any], Answer]


class Place:
    """Where tokens are kept: any number of stores may use it, as workers do.

    :param open_store: opens a store with the given keys.
    """

    def __init__(self, open_store: Callable[[Any], SealedTokenStore]) -> None:
        self.open_store = open_store

    def plant(self, key: TokenKey, sealed: bytes) -> None:
        """Write bytes where the envelope of a token belongs."""
        rows = self.open_store(KEYS)._rows
        rows.write(key.row_id, key.owner_id, Row(new_version(), sealed))


def _memory(request: pytest.FixtureRequest, folder: Path, stack: ExitStack) -> Place:
    rows = MemoryRows()
    return Place(lambda keys: SealedTokenStore(rows, keys))


def _sql(engine: sqlalchemy.Engine, stack: ExitStack) -> Place:
    table = token_table(sqlalchemy.MetaData(), name=f"t_{secrets.token_hex(8)}")
    table.create(engine)
    stack.callback(engine.dispose)
    stack.callback(table.drop, engine)
    return Place(lambda keys: SQLAlchemyTokenStore(engine, table, keys))


def _sqlite(request: pytest.FixtureRequest, folder: Path, stack: ExitStack) -> Place:
    engine = sqlalchemy.create_engine(f"sqlite:///{folder / 'tokens.db'}")
    # No machine fails here in the middle of a test: nothing has to be on the disk at once.
    sqlalchemy.event.listen(engine, "connect", _in_no_hurry)
    return _sql(engine, stack)


def _in_no_hurry(connection: Any, record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")


def _postgres(request: pytest.FixtureRequest, folder: Path, stack: ExitStack) -> Place:
    return _sql(sqlalchemy.create_engine(request.getfixturevalue("postgres_url")), stack)


def _mariadb(request: pytest.FixtureRequest, folder: Path, stack: ExitStack) -> Place:
    return _sql(sqlalchemy.create_engine(request.getfixturevalue("mariadb_url")), stack)


def _cache(cache: Any) -> Place:
    prefix = secrets.token_hex(8)
    return Place(lambda keys: CacheTokenStore(cache, keys, prefix=prefix))


def _redis(request: pytest.FixtureRequest, folder: Path, stack: ExitStack) -> Place:
    client = redis.Redis.from_url(request.getfixturevalue("redis_url"))
    stack.callback(client.close)
    return _cache(cachelib.RedisCache(client))


def _memcached(request: pytest.FixtureRequest, folder: Path, stack: ExitStack) -> Place:
    client = PooledClient(request.getfixturevalue("memcached_address"))
    stack.callback(client.close)
    return _cache(cachelib.MemcachedCache(client))


def _files(request: pytest.FixtureRequest, folder: Path, stack: ExitStack) -> Place:
    return _cache(cachelib.FileSystemCache(str(folder / "cache"), threshold=100_000))


#: Each makes a place, given the request of the test, a folder, and a stack of what to undo.
PLACES: dict[str, Callable[..., Place]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "redis": _redis,
    "memcached": _memcached,
    "files": _files,
    "postgres": _postgres,
    "mariadb": _mariadb,
}


class Worker:
    """One application with a client ``demo``, as one process would have it.

    :param store: its store.
    :param answers: the server, and everybody else on the network.
    :param register: further keywords of ``register``; ``None`` takes one out.
    """

    def __init__(self, store: Any, answers: Any, **register: Any) -> None:
        self.store = store
        self.app = Flask("worker")
        self.app.config["SECRET_KEY"] = "the secret key of these tests"
        self.oauth = OAuth(self.app, token_store=store)
        settings = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "access_token_url": TOKEN_URL,
            "api_base_url": API,
            **register,
        }
        self.oauth.register("demo", **{k: v for k, v in settings.items() if v is not None})
        self.oauth.demo.session.mount("https://", answers)
        self.is_machine = "grant_type" in (register.get("client_kwargs") or {})

    def client(self, owner: Any = OWNER, label: str = "") -> Any:
        """The client with somebody's token."""
        return self.oauth.demo if self.is_machine else self.oauth.demo.for_account(owner, label)

    def get(self, url: str = "user", **kwargs: Any) -> Any:
        """Call the API, in a context of its own as a request has it."""
        with self.app.app_context():
            return self.client().get(url, **kwargs)

    def userinfo(self) -> Any:
        """Ask the userinfo endpoint."""
        with self.app.app_context():
            return self.client().userinfo()

    def close(self) -> None:
        """Close the connections."""
        self.oauth.demo.session.close()


class Stage:
    """Everything for a row of the tables: a place, workers, a server, a clock.

    :param place: where the tokens are.
    """

    def __init__(self, place: Place, clock: Clock, watch: Watch, patch: pytest.MonkeyPatch) -> None:
        self.place = place
        self.clock = clock
        self.watch = watch
        self.patch = patch
        self.store = place.open_store(KEYS)
        self.key = TokenKey("demo", OWNER)
        self.token_calls: list[Any] = []
        self.api_calls: list[Any] = []
        self.answers: Any = Answers(self._answer)
        self.at_api: Answer | MakeAnswer = OK
        self.at_userinfo: Answer | MakeAnswer = Answer({"sub": "alice"})
        self._at_token_endpoint: list[Answer | MakeAnswer] = [NEW]
        self._workers: list[Worker] = []

    # -- the server -----------------------------------------------------------------------

    def answer_with(self, *answers: Answer | MakeAnswer) -> None:
        """What the token endpoint answers, in order, and the last one from then on."""
        self._at_token_endpoint = list(answers)

    def _answer(self, request: Any) -> Answer:
        if request.url == TOKEN_URL:
            self.token_calls.append(request)
            waiting = self._at_token_endpoint
            given = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        elif request.url == DISCOVERY_URL:
            given = Answer(METADATA)
        elif request.url == METADATA["jwks_uri"]:
            given = Answer({"keys": [SIGNING_KEY.jwk]})
        elif request.url == METADATA["revocation_endpoint"]:
            given = OK
        elif request.url == USERINFO_URL:
            self.api_calls.append(request)
            given = self.at_userinfo
        else:
            self.api_calls.append(request)
            given = self.at_api
        return given(request) if callable(given) else given

    @property
    def forms(self) -> list[Any]:
        """What the token endpoint was sent."""
        return [form for form in self.answers.forms if "grant_type" in form]

    # -- the workers ----------------------------------------------------------------------

    def worker(self, network: Any = None, keys: Any = None, **register: Any) -> Worker:
        """Start one more worker.

        :param network: what answers it; default is the server.
        :param keys: the keys that it has for tokens.
        """
        store = self.place.open_store(keys or KEYS)
        made = Worker(store, network or self.answers, **register)
        self._workers.append(made)
        return made

    def openid(self, **register: Any) -> Worker:
        """Start a worker whose client speaks OpenID Connect."""
        scope = {"client_kwargs": {"scope": "openid"}}
        return self.worker(issuer=ISSUER, **{**scope, **register})

    def machine(self) -> Worker:
        """Start a worker whose client acts for itself."""
        self.key = TokenKey("demo")
        return self.worker(client_kwargs={"grant_type": "client_credentials"})

    def close(self) -> None:
        """Close all workers."""
        for worker in self._workers:
            worker.close()

    # -- the token ------------------------------------------------------------------------

    def put(self, stored: Any = None, key: TokenKey | None = None) -> None:
        """Keep a token; by default one that has expired and can be refreshed."""
        self.store.put(key or self.key, expired() if stored is None else stored)

    @property
    def stored(self) -> Any:
        """The token as another worker finds it."""
        return self.place.open_store(KEYS).get(self.key)


def claims(**changes: Any) -> dict[str, Any]:
    """Claims of the login, with changes; ``None`` takes a claim out."""
    moment = int(time.time())
    found = {
        "iss": ISSUER,
        "sub": "alice",
        "aud": CLIENT_ID,
        "exp": moment + 600,
        "iat": moment,
        "auth_time": 1_700_000_000,
        "nonce": "the-nonce-of-the-login",
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}


def signed(header: Any = None, key: Any = SIGNING_KEY, **changes: Any) -> str:
    """An ID token of the provider."""
    return compact({"alg": "ES256", "kid": "key-1", **(header or {})}, claims(**changes), key)


class Heard:
    """What the signals of an application said."""

    def __init__(self, app: Flask) -> None:
        self.refreshed: list[Any] = []
        self.failed: list[Any] = []
        token_refreshed.connect(self._on_refreshed, app)
        token_refresh_failed.connect(self._on_failed, app)

    def _on_refreshed(self, sender: Any, **known: Any) -> None:
        self.refreshed.append(known)

    def _on_failed(self, sender: Any, **known: Any) -> None:
        self.failed.append(known["error"].error)
