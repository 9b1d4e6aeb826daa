"""Many users at once, all through one client object, in threads or in greenlets.

``python -m tests.tokens._crowd`` reads ``issuer``, ``place``, ``client`` and ``threads`` as one
line of JSON, and writes, for our client and for a broken one, how many of the calls were answered
with somebody else's name. ``python -m tests.tokens._greenlets`` does the same in greenlets.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import requests

from tests.tokens._processes import Provider
from tests.tokens._site import Site

USERS = 64
CALLS = 640
_LIMIT = 60

Call = Callable[[str], Any]


class SharedUser:
    """A client that keeps its user's token on an object that all users share.

    :param site: whose store it uses.
    :param url: of the API.
    :param threads: how many use it.
    """

    token: dict[str, Any]

    def __init__(self, site: Site, url: str, threads: int) -> None:
        self._site, self._url = site, url
        self._moment = threading.Barrier(threads)

    def __call__(self, owner: str) -> Any:
        """Call the API for somebody, or for whoever came last."""
        self.token = self._site.token(owner)
        self._moment.wait(_LIMIT)  # which may be as short as it likes, it comes some day
        headers = {"Authorization": f"Bearer {self.token['access_token']}"}
        return requests.get(self._url, headers=headers, timeout=_LIMIT)


def answers(call: Call, threads: int) -> dict[str, int]:
    """Let users call all at once.

    :returns: how many calls were ``right`` and how many ``wrong``, or why they failed.
    """
    told: Counter[str] = Counter()
    owners = [f"user {number % USERS}" for number in range(CALLS)]
    start = threading.Barrier(threads)

    def work(mine: list[str]) -> None:
        start.wait(_LIMIT)
        for owner in mine:
            told.update([_outcome(call, owner)])

    # Each has calls for other users than the one before him.
    crowd = [threading.Thread(target=work, args=(owners[n::threads],)) for n in range(threads)]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join(_LIMIT)
    return told


def _outcome(call: Call, owner: str) -> str:
    try:
        answer = call(owner)
    except Exception as error:  # noqa: BLE001  whatever it is, the test shall see it
        return f"{type(error).__name__} {error.__cause__ or error.__context__}"
    if answer.status_code != 200:
        return f"status {answer.status_code}"
    return "right" if answer.json() == {"sub": owner} else "wrong"


def main() -> None:
    """Run."""
    told = json.loads(sys.stdin.readline())
    threads = told["threads"]
    site = Site(told["place"], told["client"])
    with requests.Session() as http:
        http.trust_env = False
        op = Provider(told["issuer"], http)
        for number in range(USERS):
            owner = f"user {number}"
            site.keep(owner, op.grant(owner, is_over=bool(number % 2)))
        ours = answers(site.call, threads)
        broken = answers(SharedUser(site, f"{op.issuer}/calls/me", threads), threads)
    switch = threading.get_ident.__module__
    json.dump({"ours": ours, "broken": broken, "switch": switch}, sys.stdout)


if __name__ == "__main__":
    main()
