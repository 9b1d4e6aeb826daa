"""An OAuth 1.0a provider on the server half of oauthlib, and its remote control."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from urllib.parse import urlsplit

import requests

from ..process import running

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class OAuth1Server:
    """A running provider with one client. Any user name says yes at its page.

    It takes any callback on ``http://localhost`` and ``http://127.0.0.1``, and ``oob``.
    """

    base_url: str
    client_id: str
    client_secret: str = field(repr=False)
    #: The client's private key in PEM, for the signature methods with RSA.
    rsa_key: str = field(repr=False)
    http: requests.Session = field(repr=False)

    @property
    def request_token_url(self) -> str:
        return f"{self.base_url}/initiate"

    @property
    def authorize_url(self) -> str:
        return f"{self.base_url}/authorize"

    @property
    def access_token_url(self) -> str:
        return f"{self.base_url}/token"

    @property
    def echo_url(self) -> str:
        """The protected resource; it answers with the request as it was understood."""
        return f"{self.base_url}/echo"

    def allow(self, authorize_url: str, user: str = "alice") -> str:
        """Say yes as a user, and give the URL that the browser is sent back to."""
        return self._answer(authorize_url, answer="allow", user=user).headers["Location"]

    def deny(self, authorize_url: str) -> str:
        """Say no, and give the URL that the browser is sent back to, with ``denied=``."""
        return self._answer(authorize_url, answer="deny", user="").headers["Location"]

    def verifier(self, authorize_url: str, user: str = "alice") -> str:
        """Say yes to a client without a callback (``oob``), and give what the page shows."""
        shown = self._answer(authorize_url, answer="allow", user=user).text
        return parse_qs(shown)["oauth_verifier"][0]

    def _answer(self, authorize_url: str, **form: str) -> requests.Response:
        page = self.http.get(authorize_url, timeout=10)
        page.raise_for_status()
        token = parse_qs(urlsplit(authorize_url).query)["oauth_token"][0]
        answer = self.http.post(
            self.authorize_url,
            data={"oauth_token": token, **form},
            allow_redirects=False,
            timeout=10,
        )
        answer.raise_for_status()
        return answer

    def configure(self, **settings: Any) -> dict[str, Any]:
        """Change settings; ``server.py`` describes them at its ``DEFAULTS``."""
        return self._admin("settings", settings)

    def answer_instead(
        self, path: str, *, status: int = 200, body: str = "", headers: dict[str, str] | None = None
    ) -> None:
        """Answer every request for a path this way; other paths work as before."""
        answers = self.configure()["answers"]
        answers[path] = {"status": status, "body": body, "headers": headers or {}}
        self.configure(answers=answers)

    def reset(self) -> None:
        """Settings as at the start; no tokens, no nonces, an empty log."""
        self._admin("reset", {})

    def _admin(self, what: str, body: object) -> dict[str, Any]:
        response = self.http.post(f"{self.base_url}/admin/{what}", json=body, timeout=10)
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer

    def log(self, path: str | None = None) -> list[dict[str, Any]]:
        """The requests seen since the last reset, oldest first; of one path or of all."""
        response = self.http.get(f"{self.base_url}/admin/log", timeout=10)
        response.raise_for_status()
        return [entry for entry in response.json() if path in (None, entry["path"])]


def python_binary() -> Path | None:
    """The interpreter of the server's own environment, or ``None``."""
    environment = HERE / ".venv"
    python = environment / "bin" / "python"
    installed = any(environment.glob("lib/*/site-packages/oauthlib"))
    return python if installed else None


@contextmanager
def oauthlib_server(python: Path) -> Iterator[OAuth1Server]:
    """Run the provider."""
    with running([python, HERE / "server.py"]) as server, requests.Session() as http:
        http.trust_env = False
        yield OAuth1Server(**server.first_line(), http=http)
