"""Signals of Django. No argument carries a token unless it is said so."""

from __future__ import annotations

from django.dispatch import Signal

#: Sent by :class:`DjangoIntegration` after a token was refreshed or fetched anew, with the
#: keywords ``name``, ``token``, ``refresh_token`` and ``access_token`` (the old ones; the one that
#: was not used is ``None``).
token_update = Signal()

#: Sent after the provider has refreshed a token, and it is stored: ``name``, ``owner``, ``label``.
token_refreshed = Signal()
#: Sent when it has not: ``name``, ``owner``, ``label`` and ``error``.
token_refresh_failed = Signal()

#: Sent when the browser is sent to a provider: ``request`` and ``name``.
login_started = Signal()
#: Sent after a login: ``request``, ``name``, ``identity`` (``None`` if the application keeps its
#: own) and ``claims``; also ``token`` if the routes were made with ``token_in_signals=True``.
login_succeeded = Signal()
#: Sent after a login that failed: ``request``, ``name`` and ``error``.
login_failed = Signal()
#: Sent after somebody signed out: ``request``, ``name`` and ``identity``.
logged_out = Signal()
#: Sent when an account is to be linked: ``request``, ``name``, ``identity`` (who is signed in) and
#: ``linked`` (the identity at the other provider); also ``token`` as above.
account_linked = Signal()
#: Sent when a link is to be taken away: ``request``, ``name`` and ``identity``.
account_unlinked = Signal()
