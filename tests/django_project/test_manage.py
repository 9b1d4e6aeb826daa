"""The commands of ``manage.py``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.django_project._project import NOBODY
from tests.django_project._project import Project

CLEAN = "System check identified no issues (0 silenced).\n"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
CLIENTS = "OAUTHCLIENT_CLIENTS"
OP = f"{CLIENTS}['op']"
#: Lines below the settings, and the id of what is then found.
CONTRADICTIONS = {
    f"{CLIENTS} = ['op']": "oauthclient.E001",
    f"{OP}['client_sceret'] = 'made up'": "oauthclient.E002",
    f"{OP}['client_id'] = ''": "oauthclient.E003",
    f"{OP}['redirect_uri'] = {CLIENTS}['posting']['redirect_uri'] = 'https://rp.test/callback'": (
        "oauthclient.E004"
    ),
    f"MIDDLEWARE.remove('{SESSIONS}')": "oauthclient.E005",
    f"{OP}['request_token_url'] = 'https://op.test/initiate'": "oauthclient.E007",
    "OAUTHCLIENT_BASE_URL = 'www.example.com'": "oauthclient.E010",
    "MIDDLEWARE.reverse()": "oauthclient.E011",
    "AUTHLIB_OAUTH_CLIENTS = {'op': {'client_id': 'another'}}": "oauthclient.W001",
    f"{CLIENTS}['forgotten'] = {{'client_id': 'x'}}": "oauthclient.W002",
    "SESSION_COOKIE_SAMESITE = 'Strict'": "oauthclient.W003",
    f"{OP}['client_kwargs']['code_challenge_method'] = None": "oauthclient.W005",
}


def with_settings(project: Project, line: str) -> Project:
    """The project with one more line in its settings."""
    (project.folder / "changed.py").write_text(f"from mysite.settings import *\n{line}\n")
    return Project(project.folder, {**project.environment, "DJANGO_SETTINGS_MODULE": "changed"})


@pytest.mark.parametrize("more", [[], ["--tag", "oauthclient", "--deploy"]])
def test_check_finds_nothing(project: Project, more: list[str]) -> None:
    done = project.manage("check", "--fail-level", "WARNING", *more)
    assert (done.text, done.status) == (CLEAN, 0)


@pytest.mark.parametrize(("line", "found"), CONTRADICTIONS.items())
def test_check_fails_with_the_id_of_what_it_finds(project: Project, line: str, found: str) -> None:
    done = with_settings(project, line).manage("check", "--fail-level", "WARNING")
    assert done.status == 1
    assert f"({found})" in done.text
    assert "Traceback" not in done.text
    assert NOBODY["OP_CLIENT_SECRET"] not in done.text


def test_models_and_migrations_agree(project: Project) -> None:
    done = project.manage("makemigrations", "--check", "--dry-run")
    assert (done.text, done.status) == ("No changes detected\n", 0)


def test_migrate_there_and_back(project: Project) -> None:
    assert project.manage("migrate", "--check", "--verbosity=0").status == 1
    project.migrate()
    assert project.manage("migrate", "--check", "--verbosity=0").status == 0
    assert project.manage("migrate", "oauthclient", "zero", "--verbosity=0").status == 0
    project.migrate()


def test_own_tests_of_the_project(tmp_path: Path) -> None:
    project = Project(tmp_path, {}, without_flask=False)  # the development provider is built on it
    done = project.manage("test", "home", "--noinput")
    assert done.status == 0, done.text
    assert "\nOK\n" in done.text
