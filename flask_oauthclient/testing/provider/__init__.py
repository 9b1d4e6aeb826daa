"""A development OpenID provider: sign in as anybody, on your own machine, offline.

It is a WSGI application that shares no code with the client it is tested with, so that a mistake
of the one is not repeated by the other. Use it in process by :class:`WSGIAdapter`, as a threaded
server by :meth:`DevelopmentProvider.serve`, mounted inside an application, or from the command
line by ``python -m flask_oauthclient.testing.provider``.

>>> provider = DevelopmentProvider()
>>> with provider.serve() as server:
...     oauth.register("demo", issuer=provider.issuer, client_id="demo", ...)
"""

from __future__ import annotations

from .adapter import WSGIAdapter
from .answer_fault import ConnectionDropped
from .clients import DEMO_CLIENT_ID
from .clients import DEMO_CLIENT_SECRET
from .clients import PUBLIC_CLIENT_ID
from .clients import ClientRecord
from .faults import Faults
from .keys import KeyRing
from .keys import SigningKey
from .log import RequestLog
from .log import RequestRecord
from .log import SecretLedger
from .personas import Persona
from .provider import DevelopmentProvider
from .server import RunningServer
from .server import serve_wsgi

__all__ = [
    "DEMO_CLIENT_ID",
    "DEMO_CLIENT_SECRET",
    "PUBLIC_CLIENT_ID",
    "ClientRecord",
    "ConnectionDropped",
    "DevelopmentProvider",
    "Faults",
    "KeyRing",
    "Persona",
    "RequestLog",
    "RequestRecord",
    "RunningServer",
    "SecretLedger",
    "SigningKey",
    "WSGIAdapter",
    "serve_wsgi",
]
