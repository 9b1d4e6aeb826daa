"""Transactions of our views: none that lasts as long as the request.

Under ``ATOMIC_REQUESTS`` a view runs in one transaction from its beginning to its end. Ours ask a
provider meanwhile, and keep tokens in a way that no failure undoes, on another connection; SQLite
has one writer at a time. So only what a function of the project does is in a transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.db import connections
from django.db import transaction


def call_in_transaction(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function of the project; in a transaction, where the project has its views so.

    :param function: the function.
    :param args: its arguments.
    :returns: its result.
    """
    with ExitStack() as stack:
        for alias in connections:
            if connections.settings[alias].get("ATOMIC_REQUESTS"):
                stack.enter_context(transaction.atomic(using=alias))
        result = function(*args)
    return result  # noqa: RET504  once all is committed
