"""What httpx2 logs: the URL of every request, at the level of its successes.

A token in the query, which some servers want, would stand in the logs of an application, and so
would the secrets of OAuth 1.0a with ``PLAINTEXT``.
"""

from __future__ import annotations

import logging
import re

import httpx2

_CREDENTIAL = re.compile(
    r"(?<=[?&])(access_token|actor_token|assertion|client_assertion|client_secret|code"
    r"|code_verifier|device_code|id_token|id_token_hint|oauth_signature|oauth_token|oauth_verifier"
    r"|password|refresh_token|subject_token|token)=[^&#]+"
)
_PASSWORD = re.compile(r"(?<=//)([^/?#@:]*):[^/?#@]*@")


class _Credentials(logging.Filter):
    """Hides the values of parameters that are credentials."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(map(_shown, record.args))
        return True


def _shown(value: object) -> object:
    if not isinstance(value, httpx2.URL):
        return value
    return _PASSWORD.sub(r"\1:***@", _CREDENTIAL.sub(r"\1=***", str(value)))


def hide_credentials() -> None:
    """Let no credential that stands in a URL into the log of httpx2."""
    log = logging.getLogger("httpx2")
    if not any(isinstance(one, _Credentials) for one in log.filters):
        log.addFilter(_Credentials())
