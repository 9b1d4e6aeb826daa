"""Row ``seal-open``: what it costs that no token is stored as it is."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from collections.abc import Iterator
from itertools import count
from itertools import repeat as endless
from typing import Any

from cryptography.fernet import Fernet

from flask_oauthclient.storage.tokens.envelope import TokenSealer
from flask_oauthclient.storage.tokens.envelope import new_key
from flask_oauthclient.storage.tokens.kept import Kept
from flask_oauthclient.storage.tokens.kept import read_kept
from flask_oauthclient.storage.tokens.key import TokenKey
from tests.benchmarks._harness import Row
from tests.benchmarks._harness import Settings
from tests.benchmarks._harness import compare
from tests.benchmarks._harness import repeat
from tests.benchmarks._server import API_TOKEN

LIMIT = 15
"""Microseconds of CPU time."""

BYTES = 2048


def token_set() -> dict[str, Any]:
    """:returns: a token response of 2 KB as JSON, which the fake provider's API accepts."""
    token = {
        "access_token": f"{API_TOKEN}-{secrets.token_urlsafe(32)}",
        "token_type": "Bearer",
        "expires_in": 3600,
        "expires_at": int(time.time()) + 3600,
        "refresh_token": secrets.token_urlsafe(32),
        "scope": "openid profile email",
        "id_token": "",
    }
    room = BYTES - len(json.dumps(token))
    return {**token, "id_token": secrets.token_urlsafe(room)[:room]}


def seal_open(settings: Settings) -> Iterator[Row]:
    """Write and seal a token as a store does, open and read it."""
    contenders = {
        "ours": repeat(_ours(endless(TokenKey("demo", "248289761001")))),
        "row not met before": repeat(_ours(TokenKey("demo", str(number)) for number in count())),
        "Fernet": repeat(_fernet()),
    }
    microseconds = compare(contenders, settings.rounds).microseconds()
    yield Row(
        "seal-open",
        f"seal and open a token set of {BYTES} bytes, JSON included, microseconds",
        None,
        microseconds.pop("ours"),
        LIMIT,
        others=microseconds,
    )


def _ours(keys: Iterator[TokenKey]) -> Callable[[], object]:
    sealer, token = TokenSealer([new_key()]), token_set()

    def seal_and_open() -> Kept:
        key = next(keys)
        sealed = sealer.seal(Kept(key, token).write(), key.row_id)
        opened = sealer.open(sealed, key.row_id)
        if opened is None:
            raise RuntimeError("a sealed token does not open")
        return read_kept(opened)

    return seal_and_open


def _fernet() -> Callable[[], object]:
    fernet, token = Fernet(Fernet.generate_key()), token_set()
    return lambda: json.loads(fernet.decrypt(fernet.encrypt(json.dumps(token).encode())))
