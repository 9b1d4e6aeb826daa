"""Tokens in a table of Django's database.

::

    INSTALLED_APPS += ["flask_oauthclient.django_client"]    # and: manage.py migrate

    oauth = OAuth(token_store=DjangoTokenStore())

Each use is a short transaction of its own, on a connection of its own (see
:mod:`.token_connections`): what the application's transaction has not committed is neither seen
nor touched, and if it is rolled back, with ``ATOMIC_REQUESTS`` or without, a refreshed token stays.
While a token is refreshed its row is locked, on the one connection that then also writes.

SQLite has one writer at a time. A request that has a transaction open on the same file, be it to
read, may keep the store from writing: it then raises ``token_store_unavailable`` before anything is
sent to the provider. With ``ATOMIC_REQUESTS`` give the tokens a file of their own, by another entry
of ``DATABASES`` and ``DjangoTokenStore(using="tokens")``.

In Django's ``TestCase`` the store uses the connection and the transaction of the test, which undoes
all that was kept. In a ``TransactionTestCase`` it works as it does in production.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any

from django.apps import apps

from ..protocol.errors import InvalidSettingError
from ..protocol.errors import MissingConfigurationError
from ..storage.tokens.envelope import split_keys
from ..storage.tokens.store import SealedTokenStore
from .settings import config
from .token_rows import DjangoRows
from .token_statements import FIELDS

if TYPE_CHECKING:
    from .models import TokenBase

_DEFAULT_MODEL = "oauthclient.StoredToken"


class DjangoTokenStore(SealedTokenStore):
    """Tokens in a database of Django: SQLite, PostgreSQL, MariaDB, MySQL.

    :param using: the database, a name in ``DATABASES``; by default the router is asked where the
        model is written, else it is ``default``.
    :param model: a model that inherits :class:`.models.TokenBase`, or its name
        (``"accounts.Token"``); by default :class:`.models.StoredToken`.
    :param keys: the keys that seal the tokens, the current one first; by default those in
        ``OAUTHCLIENT_TOKEN_KEYS``, else ``SECRET_KEY`` and ``SECRET_KEY_FALLBACKS``.
    """

    def __init__(
        self,
        using: str | None = None,
        model: type[TokenBase] | str | None = None,
        keys: Sequence[str | bytes] | None = None,
    ) -> None:
        #: Gives the model, or says that its application is not installed.
        self.find_model = _finder(model)
        self._django_rows = DjangoRows(using, self.find_model)
        super().__init__(self._django_rows, keys)
        self.use_keys(token_keys)

    def close(self) -> None:
        """Close the connections that are kept open since ``CONN_MAX_AGE`` says so."""
        self._django_rows.connections.close()


def token_keys() -> Sequence[str | bytes]:
    """The keys in Django's settings that seal tokens, the current one first."""
    configured = config.get("OAUTHCLIENT_TOKEN_KEYS")
    if configured:
        return split_keys(configured)
    secrets = [config.get("SECRET_KEY"), *config["SECRET_KEY_FALLBACKS"]]
    return [secret for secret in secrets if secret]


def _finder(model: type[TokenBase] | str | None) -> Callable[[], type[TokenBase]]:
    """Look for the model when it is needed: settings and URLs are read before all are known."""
    found: list[type[TokenBase]] = []

    def find() -> type[TokenBase]:
        if not found:
            found.append(_checked(_model_of(model or _DEFAULT_MODEL)))
        return found[0]

    return find


def _model_of(model: type[TokenBase] | str) -> Any:
    if not isinstance(model, str):
        return model
    try:
        return apps.get_model(model)
    except (LookupError, ValueError):
        pass
    raise MissingConfigurationError(
        "missing_configuration",
        f"There is no model {model}. INSTALLED_APPS has to name its application"
        + (", flask_oauthclient.django_client." if model == _DEFAULT_MODEL else "."),
    )


def _checked(model: Any) -> type[TokenBase]:
    options: Any = getattr(model, "_meta", None)
    names = {field.name for field in getattr(options, "concrete_fields", ())}
    if not names.issuperset(FIELDS) or options.abstract:
        raise InvalidSettingError(
            "invalid_configuration",
            "The model of tokens is one that inherits TokenBase, of "
            "flask_oauthclient.django_client.models.",
        )
    found: type[TokenBase] = model
    return found
