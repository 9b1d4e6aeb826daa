"""A kept connection that breaks: a read is sent once more, and signed once more."""

from __future__ import annotations

from tests.transport._raw import Peer
from tests.transport._raw import answer

from ._signed import session_at
from .conftest import Serve


def test_a_read_that_is_sent_once_more_has_a_nonce_of_its_own(serve: Serve) -> None:
    nonces: list[str] = []

    def script(peer: Peer) -> None:
        while (request := peer.receive()) is not None:
            header = request.headers["authorization"]
            nonces.append(header.partition('oauth_nonce="')[2].partition('"')[0])
            if len(nonces) == 2:
                return  # hang up on the second request
            peer.send(answer(b'"answered"'))

    server = serve(script)
    with session_at(None) as session:
        answers = [session.get(server.url).json() for _ in range(2)]
    assert answers == ["answered"] * 2
    assert len(set(nonces)) == len(nonces) == 3
