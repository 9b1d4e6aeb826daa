"""What the RFCs say: no socket, no framework, no wall clock of its own.

Each endpoint is a pair of pure functions over frozen dataclasses (build a request, read a
response). An *exchange* is a generator over those pairs; :mod:`flask_oauthclient.transport`
drives it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lazy import lazy_names

if TYPE_CHECKING:
    from .random import generate_token
    from .urls import add_params_to_uri
    from .urls import is_secure_transport
    from .urls import url_decode
    from .urls import url_encode

__all__ = [
    "add_params_to_uri",
    "generate_token",
    "is_secure_transport",
    "url_decode",
    "url_encode",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "add_params_to_uri": ".urls",
        "generate_token": ".random",
        "is_secure_transport": ".urls",
        "url_decode": ".urls",
        "url_encode": ".urls",
    },
)
