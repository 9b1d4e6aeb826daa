"""Signals."""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

#: Sent after a token was refreshed or fetched anew, with the app as sender and the keywords
#: ``name``, ``token``, ``refresh_token`` and ``access_token`` (the old ones; the one that was not
#: used is ``None``).
token_update = _signals.signal("token-update")

#: Sent when the browser is sent to a provider: ``name``.
login_started = _signals.signal("login-started")
#: Sent after a login: ``name``, ``identity`` (``None`` if the application keeps its own) and
#: ``claims``; no token.
login_succeeded = _signals.signal("login-succeeded")
#: Sent after a login that failed: ``name`` and ``error``.
login_failed = _signals.signal("login-failed")
#: Sent after somebody signed out: ``identity``.
logged_out = _signals.signal("logged-out")
