"""Workers that are forked after a project has used its store; see :mod:`tests.tokens._forks`.

``python -m tests.django_client.tokens._forks`` reads an entry of ``DATABASES``.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pymysql

from tests.django_client import _project
from tests.tokens import _forks


def make_store(place: dict[str, Any], stack: ExitStack) -> Any:
    """The store in a database."""
    from flask_oauthclient.django_client import DjangoTokenStore
    from tests.django_client.tokens._databases import known

    store = DjangoTokenStore(stack.enter_context(known(place)), keys=["the key of these tests"])
    stack.callback(store.close)
    return store


if __name__ == "__main__":
    pymysql.install_as_MySQLdb()  # Django asks for its brother
    _project.configure()
    _forks.make_store = make_store
    _forks.main()
