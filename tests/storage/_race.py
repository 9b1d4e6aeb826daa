"""One of several processes that take the same values at the same time.

``python -m tests.storage._race KIND ADDRESS RACE KEYS`` says when it is ready, waits for a line,
takes what it gets of the values and prints which those are.
"""

from __future__ import annotations

import json
import sys

from flask_oauthclient.storage.cache import take
from tests.storage._caches import CACHES


def key(race: str, number: int) -> str:
    """The key of a value."""
    return f"_state_demo_{race}{number:014d}"


def main(kind: str, address: str, race: str, count: str) -> None:
    """Take part in the race."""
    with CACHES[kind](address) as cache:
        cache.get("a connection")
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        won = {number: take(cache, key(race, number)) for number in range(int(count))}
    json.dump([[number, text] for number, text in won.items() if text is not None], sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
