"""django-oauth-toolkit, a provider on oauthlib with a path in its issuer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..process import running

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class DjangoOAuthToolkit:
    """A running provider, and what its ``server.py`` has registered."""

    issuer: str
    username: str = "alice"
    password: str = "alice-password"
    redirect_uri: str = "http://localhost/callback"
    post_logout_redirect_uri: str = "http://localhost/bye"
    #: Client id and secret of the client whose ID tokens are signed RS256.
    rs256: tuple[str, str] = ("rs256", "rs256-secret")
    #: The same for HS256, keyed with the client secret.
    hs256: tuple[str, str] = ("hs256", "hs256-secret-0123456789-0123456789-0123")


def python_binary() -> Path | None:
    """The interpreter of the provider's own environment, or ``None``."""
    environment = HERE / ".venv"
    python = environment / "bin" / "python"
    installed = any(environment.glob("lib/*/site-packages/oauth2_provider"))
    return python if installed else None


@contextmanager
def django_oauth_toolkit_server(python: Path, directory: Path) -> Iterator[DjangoOAuthToolkit]:
    """Run the provider, its database in a folder of the caller's."""
    with running([python, HERE / "server.py", directory / "database"]) as server:
        yield DjangoOAuthToolkit(server.first_line()["issuer"])
