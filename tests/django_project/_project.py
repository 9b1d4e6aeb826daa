"""The project, run for real: its commands, its servers, and what it has logged and kept."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from tests.servers.oauthlib_server import OAuth1Server
from tests.servers.oidc_provider import OidcProvider
from tests.servers.oidc_provider import client
from tests.servers.process import running

HERE = Path(__file__).parent
PROJECT = HERE / "project"
ROOT = HERE.parents[1]
#: A folder that keeps Flask from every process that finds it on its path.
WITHOUT_FLASK = HERE / "without_flask"
#: The clients at the OpenID provider, by the names that they have in the settings.
CLIENT_IDS = {"op": "django", "posting": "django-posting"}
#: What the environment says where nobody is asked.
NOBODY = {
    "SECRET_KEY": "the secret key of the project, with more than fifty characters 0123456789",
    "OP_ISSUER": "https://op.test",
    "OP_CLIENT_ID": "django",
    "OP_CLIENT_SECRET": "the client secret of the project",
    "POSTING_CLIENT_ID": "django-posting",
    "POSTING_CLIENT_SECRET": "another client secret of the project",
    "PHOTOS_CLIENT_ID": "django",
    "PHOTOS_CLIENT_SECRET": "the client secret for photos",
    "PHOTOS_URL": "https://photos.test",
}


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    status: int
    #: All that it has printed.
    text: str


@dataclass(frozen=True, slots=True)
class Project:
    """The project with an environment of its own.

    :param folder: where it may leave files.
    :param environment: what its settings find in the environment.
    :param without_flask: whether Flask cannot be imported.
    """

    folder: Path
    environment: dict[str, str] = field(repr=False)
    without_flask: bool = True

    @property
    def variables(self) -> dict[str, str]:
        """The whole environment of a process."""
        path = [self.folder, PROJECT, ROOT]
        if self.without_flask:
            path.insert(0, WITHOUT_FLASK)
        return {
            "DJANGO_SETTINGS_MODULE": "mysite.settings",
            "PYTHONPATH": os.pathsep.join(map(str, path)),
            "PYTHONWARNINGS": "error",
            "DATABASE_URL": f"sqlite://{self.folder}/db.sqlite3",
            "LOG_FILE": str(self.folder / "project.log"),
            "ACCESS_LOG": str(self.folder / "access.log"),
            "ERROR_LOG": str(self.folder / "error.log"),
            **NOBODY,
            **self.environment,
        }

    def manage(self, *words: str) -> Done:
        """Run a command of ``manage.py``, to its end."""
        done = subprocess.run(
            [sys.executable, PROJECT / "manage.py", *words],
            env={**os.environ, **self.variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=50,
        )
        return Done(done.returncode, done.stdout)

    def migrate(self) -> None:
        """Make the tables."""
        done = self.manage("migrate", "--verbosity=0")
        assert done == Done(0, "")

    def let_expire(self, user: str, **changes: str) -> None:
        """Let the time of a user's stored access token be up, whatever the provider thinks.

        :param user: number of the user.
        :param changes: what else of the token to replace.
        """
        self.run(
            "from mysite.oauth import oauth\n"
            f"client = oauth.op.for_account({user!r})\n"
            f"client.save_token({{**client.token, 'expires_at': 1, **{changes!r}}})"
        )

    def run(self, code: str) -> None:
        """Run code of a developer's in ``manage.py shell``; it says nothing."""
        done = self.manage("shell", "--no-imports", "--command", code)
        assert (done.text, done.status) == ("", 0)

    @contextmanager
    def served(self, *module: str) -> Iterator[str]:
        """Run a server that prints its port, and give the origin of the site."""
        with running([sys.executable, "-m", *module], env=self.variables, cwd=ROOT) as server:
            yield f"http://127.0.0.1:{server.first_line()['port']}"

    def live_server(self) -> Any:
        """Serve it with Django's live server."""
        return self.served("tests.django_project._live_server")

    def gunicorn(self) -> Any:
        """Serve it with two workers of gunicorn."""
        return self.served("gunicorn", "--config", "python:tests.django_project._gunicorn_settings")

    def answered_by(self, path: str) -> dict[int, int]:
        """Which worker of gunicorn has answered how many requests for a path."""
        lines = (self.folder / "access.log").read_text(encoding="utf-8").splitlines()
        workers = [int(line.split()[0].strip("<>")) for line in lines if line.endswith(f" {path}")]
        return {worker: workers.count(worker) for worker in workers}

    def shown(self, secrets: set[str]) -> list[str]:
        """The files with something secret in them, of all that the project has left behind."""
        if not secrets:
            return []
        wanted = re.compile(b"|".join(re.escape(secret.encode()) for secret in secrets))
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return [path.name for path in files if wanted.search(path.read_bytes())]


def environment_at(oidc: OidcProvider, photos: OAuth1Server) -> dict[str, str]:
    """What the settings of a project say that is a client of both."""
    return {
        "OP_ISSUER": oidc.issuer,
        "OP_CLIENT_ID": CLIENT_IDS["op"],
        "OP_CLIENT_SECRET": client(CLIENT_IDS["op"])["client_secret"],
        "POSTING_CLIENT_ID": CLIENT_IDS["posting"],
        "POSTING_CLIENT_SECRET": client(CLIENT_IDS["posting"])["client_secret"],
        "PHOTOS_CLIENT_ID": photos.client_id,
        "PHOTOS_CLIENT_SECRET": photos.client_secret,
        "PHOTOS_URL": photos.base_url,
    }


def register(oidc: OidcProvider, origin: str) -> None:
    """Let the OpenID provider know the site, as its developer would."""
    for name, client_id in CLIENT_IDS.items():
        oidc.add_client(
            client_id,
            redirect_uris=[f"{origin}/auth/callback/{name}"],
            post_logout_redirect_uris=[f"{origin}/auth/logout/callback"],
        )
