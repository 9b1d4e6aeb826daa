"""Signals."""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

#: Sent after a token was refreshed or fetched anew, with the app as sender and the keywords
#: ``name``, ``token``, ``refresh_token`` and ``access_token`` (the old ones; the one that was not
#: used is ``None``).
token_update = _signals.signal("token-update")
