"""Through one client object many users call at once, and nobody gets what is another's."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.tokens._crowd import CALLS
from tests.tokens._crowd import USERS
from tests.tokens._processes import ROOT
from tests.tokens._processes import Provider


@pytest.mark.parametrize(
    ("module", "threads", "switch"),
    [("_crowd", 32, "_thread"), ("_greenlets", 80, "gevent.thread")],
)
def test_nobody_uses_the_token_of_another_user(
    op: Provider,
    client: dict[str, Any],
    place_of: Callable[[str], dict[str, Any]],
    module: str,
    threads: int,
    switch: str,
) -> None:
    told = {"issuer": op.issuer, "place": place_of("redis"), "client": client, "threads": threads}
    done = subprocess.run(
        [sys.executable, "-m", f"tests.tokens.{module}"],
        input=json.dumps(told) + "\n",
        capture_output=True,
        check=False,
        cwd=ROOT,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers = json.loads(done.stdout)
    assert answers["switch"] == switch
    assert answers["ours"] == {"right": CALLS}
    # Half of the tokens had expired, and each of those was refreshed once.
    assert op.ledger()["answered"] == {"200": USERS // 2}

    # The test would notice: a client with its user's token on the shared object mixes them up.
    assert answers["broken"]["wrong"] > CALLS / 2
