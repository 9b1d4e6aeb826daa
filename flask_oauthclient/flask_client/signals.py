"""Signals. The sender is the application; no argument carries a token unless it is said so."""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

#: Sent after a token was refreshed or fetched anew, with the keywords ``name``, ``token``,
#: ``refresh_token`` and ``access_token`` (the old ones; the one that was not used is ``None``).
token_update = _signals.signal("token-update")

#: Sent after the provider has refreshed a token, and it is stored: ``name``, ``owner``, ``label``.
token_refreshed = _signals.signal("token-refreshed")
#: Sent when it has not: ``name``, ``owner``, ``label`` and ``error``.
token_refresh_failed = _signals.signal("token-refresh-failed")

#: Sent when the browser is sent to a provider: ``name``.
login_started = _signals.signal("login-started")
#: Sent after a login: ``name``, ``identity`` (``None`` if the application keeps its own) and
#: ``claims``; also ``token`` with ``create_blueprint(token_in_signals=True)``.
login_succeeded = _signals.signal("login-succeeded")
#: Sent after a login that failed: ``name`` and ``error``.
login_failed = _signals.signal("login-failed")
#: Sent after somebody signed out: ``name`` and ``identity``. When it is the provider who says so,
#: ``identity`` is ``None``, and ``issuer``, ``sub`` and ``sid`` say whom it means.
logged_out = _signals.signal("logged-out")
#: Sent when an account is to be linked: ``name``, ``identity`` (who is signed in) and ``linked``
#: (the identity at the other provider); also ``token`` as above.
account_linked = _signals.signal("account-linked")
#: Sent when a link is to be taken away: ``name`` and ``identity``.
account_unlinked = _signals.signal("account-unlinked")
