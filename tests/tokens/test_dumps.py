"""Who reads the table, the file or the cache learns nothing of tokens, nor of whose they are."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_oauthclient import OAuth
from flask_oauthclient import current_identity
from flask_oauthclient.storage.tokens.key import TokenKey
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.provider import DEMO_CLIENT_ID
from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import KeyRing
from tests.tokens._site import make_store
from tests.tokens.conftest import SHARED

ORIGIN = "http://localhost"
SCOPE = "openid profile email offline_access api"


def _redis_dump(place: dict[str, Any], row_id: str) -> bytes:
    import redis

    with redis.Redis.from_url(place["url"]) as client:
        return b"\n".join(part for key in client.scan_iter() for part in _redis_entry(client, key))


def _redis_entry(client: Any, key: bytes) -> Iterator[bytes]:
    yield key
    if client.type(key) == b"zset":
        yield from client.zrange(key, 0, -1)
    else:
        yield client.get(key)


def _memcached_dump(place: dict[str, Any], row_id: str) -> bytes:
    """What the store has put there; memcached itself lists nothing."""
    from pymemcache.client.base import Client

    with closing(Client(tuple(place["address"]))) as client:
        name = place["prefix"] + row_id
        return name.encode() + b"\n" + bytes(client.get(name))


def _files_dump(place: dict[str, Any], row_id: str) -> bytes:
    return _folder_dump(Path(place["folder"]))


def _folder_dump(folder: Path) -> bytes:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return b"\n".join(part for file in files for part in (file.name.encode(), file.read_bytes()))


def _sql_dump(place: dict[str, Any], row_id: str) -> bytes:
    import sqlalchemy

    engine = sqlalchemy.create_engine(place["url"])
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(f"SELECT * FROM {place['prefix']}").all()
    engine.dispose()
    dump = b"\n".join(_bytes(value) for row in rows for value in row)
    folder = engine.url.database if engine.dialect.name == "sqlite" else None
    return dump + (_folder_dump(Path(folder).parent) if folder else b"")


def _bytes(value: Any) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


DUMPS: dict[str, Callable[[dict[str, Any], str], bytes]] = {
    "redis": _redis_dump,
    "memcached": _memcached_dump,
    "files": _files_dump,
    "sql": _sql_dump,
}


@pytest.mark.parametrize("kind", SHARED)
def test_dump_shows_neither_tokens_nor_people(
    provider_keys: KeyRing, place_of: Callable[[str], dict[str, Any]], kind: str
) -> None:
    place = place_of(kind)
    op = DevelopmentProvider(keys=provider_keys)
    op.auto_sign_in = "alice"
    with op.serve(), ExitStack() as stack:
        owner = _log_in(op, make_store(place, stack))
        dump = DUMPS[place["kind"]](place, TokenKey("demo", owner).row_id)

    assert len(dump) > 2000  # there is something, that is to say a token set
    alice = op.personas["alice"]
    secrets = {owner, alice.sub, alice.name, *op.secrets, *_texts(alice.claims)}
    assert {"alice@example.com", "alice"} < secrets
    assert len(op.secrets) > 5
    everything = dump + _decoded(dump)
    assert [secret for secret in secrets if secret.encode() in everything] == []


def _log_in(op: DevelopmentProvider, store: Any) -> str:
    """Log in by the routes of the package.

    :returns: whose tokens are kept.
    """
    app = Flask("dumps")
    app.config["SECRET_KEY"] = "the secret key of this test"
    oauth = OAuth(app, token_store=store)
    oauth.register(
        "demo",
        client_id=DEMO_CLIENT_ID,
        client_secret=DEMO_CLIENT_SECRET,
        issuer=op.issuer,
        client_kwargs={"scope": SCOPE},
    )
    app.register_blueprint(oauth.create_blueprint(), url_prefix="/auth")

    @app.get("/")
    def home() -> dict[str, Any]:
        assert set(oauth.demo.token) >= {"access_token", "refresh_token", "id_token"}
        return {"owner": current_identity.owner}

    with ScriptedBrowser({ORIGIN: app.wsgi_app}) as browser:
        page = browser.sign_in(f"{ORIGIN}/auth/login")
        owner: str = page.response.json()["owner"]
    return owner


def _texts(claims: Any) -> list[str]:
    """The values of claims that are long enough not to occur by chance."""
    return [value for value in claims.values() if isinstance(value, str) and len(value) > 5]


def _decoded(dump: bytes) -> bytes:
    """What stands in it in base64."""
    found = re.findall(rb"[A-Za-z0-9+/]{60,}", dump)
    return b"\n".join(base64.b64decode(text[: len(text) // 4 * 4]) for text in found)
