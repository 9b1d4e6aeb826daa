"""Workers that are forked after the application has used its store (``gunicorn --preload``).

``python -m tests.tokens._forks`` reads where the store is as one line of JSON, and writes what each
worker has read of its own user's token: how often it was right, and why it was not.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from contextlib import ExitStack
from multiprocessing import get_context
from typing import Any

from flask_oauthclient.storage.tokens.key import TokenKey
from tests.tokens._site import make_store

WORKERS = 4
READS = 200


def _read(store: Any, start: Any, owner: str, told: Any) -> None:
    outcomes: Counter[str] = Counter()
    start.wait(30)
    for _ in range(READS):
        try:
            token = store.get(TokenKey("demo", owner))
        except Exception as error:  # noqa: BLE001  whatever it is, the test shall see it
            outcomes[type(error).__name__] += 1
        else:
            outcomes["right" if token == {"access_token": owner} else "wrong"] += 1
    told.put(outcomes)
    told.close()
    told.join_thread()
    os._exit(0)  # what is left of the parent's connections ends without a word


def main() -> None:
    """Run."""
    place = json.loads(sys.stdin.readline())
    with ExitStack() as stack:
        store: Any = make_store(place, stack)
        owners = [f"user {number}" for number in range(WORKERS)]
        for owner in owners:
            store.put(TokenKey("demo", owner), {"access_token": owner})
        fork = get_context("fork")
        start, told = fork.Barrier(WORKERS), fork.Queue()
        for owner in owners:
            fork.Process(target=_read, args=(store, start, owner, told), daemon=True).start()
        workers = [told.get(timeout=60) for _ in owners]
        own = {"right": int(store.get(TokenKey("demo", owners[0])) is not None)}
    json.dump({"workers": workers, "parent": own}, sys.stdout)


if __name__ == "__main__":
    main()
