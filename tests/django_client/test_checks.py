"""What ``manage.py check`` says: each finding by its id, and nothing about what is well."""

from __future__ import annotations

import re
import weakref
from inspect import getsource
from typing import Any

import pytest
from asgiref.local import Local
from django.core import checks as django_checks
from django.core.cache import caches
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from flask_oauthclient.django_client import DjangoTokenStore
from flask_oauthclient.django_client import OAuth
from flask_oauthclient.django_client import checks
from flask_oauthclient.django_client import registry
from tests.helpers.cases import Case
from tests.helpers.cases import Cases

from . import _project

BACK_ENDS = "django.core.cache.backends."
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
USERS = "django.contrib.auth.middleware.AuthenticationMiddleware"
OURS = "flask_oauthclient.django_client.middleware.OAuthClientMiddleware"
SECRET = "a secret that is long enough for all"
FINE = {"client_id": "an-id", "client_secret": SECRET}

cases = Cases()


class OwnSessions:
    """A middleware that is no kind of the one for sessions."""


class Project:
    """A project with registries of its own, and what the checks say about it."""

    def __init__(self) -> None:
        self.settings: dict[str, Any] = {"OAUTHCLIENT_CLIENTS": {"demo": FINE}}
        self._kept: list[OAuth] = []

    def oauth(self, *names: str, **kwargs: Any) -> OAuth:
        """Make a registry with these clients."""
        with _project.replaced(**self.settings):
            oauth = OAuth(**kwargs)
            self._kept.append(oauth)
            for name in names:
                oauth.register(name)
        return oauth

    def findings(self, *, deploy: bool = False) -> list[django_checks.CheckMessage]:
        """Run the checks of the clients, and of no other application."""
        with _project.replaced(**self.settings):
            return django_checks.run_checks(tags=["oauthclient"], include_deployment_checks=deploy)

    def ids(self, *, deploy: bool = False) -> list[str]:
        """The ids of the findings, without the application's label."""
        found = self.findings(deploy=deploy)
        assert all(finding.msg and finding.hint for finding in found)
        assert not any(SECRET in f"{finding.msg} {finding.hint}" for finding in found)
        return sorted(str(finding.id).removeprefix("oauthclient.") for finding in found)


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Project:
    # The registries of other tests may not have been collected yet.
    monkeypatch.setattr(registry, "registries", weakref.WeakSet())
    return Project()


@cases.row("fine")
def a_project_that_is_well(project: Project) -> None:
    project.oauth("demo", cache="default", token_store=DjangoTokenStore())
    assert project.ids() == []


@cases.rows("E001", {"list": ["demo"], "text": "demo", "client": {"demo": "an-id"}})
def clients_that_are_no_dict_of_dicts(project: Project, clients: Any) -> None:
    project.settings["OAUTHCLIENT_CLIENTS"] = clients
    assert project.ids() == ["E001"]
    project.oauth("demo", "other")  # which is imported all the same
    assert project.ids() == ["E001"]


@cases.rows(
    "E002",
    {
        "typo": ("client_idd", "client_id"),
        "capitals": ("CLIENT_SECRET", "client_secret"),
        "of-flask": ("DEMO_CLIENT_ID", "client_id"),
    },
)
def option_that_does_not_exist(project: Project, keys: tuple[str, str]) -> None:
    project.settings["OAUTHCLIENT_CLIENTS"] = {"demo": {**FINE, keys[0]: "x"}}
    project.oauth("demo")
    [finding] = project.findings()
    assert finding.id == "oauthclient.E002"
    assert repr(keys[0]) in finding.msg
    assert f"Did you mean {keys[1]!r}?" in finding.msg
    assert "OAUTHCLIENT_CLIENTS" in finding.msg


@cases.row("E002-old")
def option_of_the_old_setting_that_does_not_exist(project: Project) -> None:
    project.settings = {"AUTHLIB_OAUTH_CLIENTS": {"demo": {**FINE, "client_kwarg": {}}}}
    project.oauth("demo")
    [finding] = project.findings()
    assert finding.id == "oauthclient.E002"
    assert "AUTHLIB_OAUTH_CLIENTS" in finding.msg


@cases.row("E003")
def empty_client_id(project: Project) -> None:
    project.settings["OAUTHCLIENT_CLIENTS"] = {"demo": {**FINE, "client_id": ""}}
    project.oauth("demo")
    assert project.ids() == ["E003"]


@cases.row("E004")
def two_clients_with_one_redirect_uri(project: Project) -> None:
    shared = {**FINE, "redirect_uri": "https://rp.test/callback"}
    project.settings["OAUTHCLIENT_CLIENTS"] = {"one": shared, "two": shared, "three": FINE}
    project.oauth("one", "two", "three")
    assert project.ids() == ["E004"]


@cases.rows("E005", {"none": [], "another": [f"{__name__}.OwnSessions"], "nowhere": ["no.where"]})
def no_sessions(project: Project, middleware: list[str]) -> None:
    project.settings["MIDDLEWARE"] = middleware
    assert project.ids() == ["W002"]  # nobody has a registry, to which it matters
    project.oauth("demo")
    assert project.ids() == ["E005"]


@cases.row("E006")
def no_secret_key(project: Project) -> None:
    project.settings["SECRET_KEY"] = ""
    project.oauth("demo")
    assert project.ids() == ["E006"]


@cases.rows(
    "E007",
    {
        "leeway": {"leeway": "soon"},
        "client_kwargs": {"client_kwargs": {"scopes": "openid"}},
        "issuer": {"issuer": "ftp://op.test"},
        "alg": {"id_token_signed_response_alg": "none"},
        "code_challenge_method": {"client_kwargs": {"code_challenge_method": "plain"}},
        "insecure_http": {"insecure_http": "perhaps"},
    },
)
def option_that_cannot_work(project: Project, options: dict[str, Any]) -> None:
    project.settings["OAUTHCLIENT_CLIENTS"] = {"demo": {**FINE, **options}}
    project.oauth("demo")
    assert project.ids() == ["E007"]


@cases.row("E008")
def table_of_tokens_is_not_installed(project: Project) -> None:
    project.oauth("demo", token_store=DjangoTokenStore(model="nowhere.Token"))
    assert project.ids() == ["E008"]


@cases.row("E009-dummy")
def cache_that_keeps_nothing(project: Project) -> None:
    project.settings["CACHES"] = {"default": {"BACKEND": f"{BACK_ENDS}dummy.DummyCache"}}
    with caches_of(project):
        project.oauth("demo", cache="default")
        assert project.ids() == ["E009"]


@cases.row("E009-unknown")
def cache_that_is_not_there(project: Project) -> None:
    oauth = OAuth(cache="nowhere")
    project._kept.append(oauth)
    assert project.ids() == ["E009", "W002"]


@cases.rows("E010", ["www.example.com", "ftp://example.com", "https://", 5])
def base_url_that_is_none(project: Project, base: Any) -> None:
    project.settings["OAUTHCLIENT_BASE_URL"] = base
    project.oauth("demo")
    assert project.ids() == ["E010"]


@cases.rows(
    "E011",
    {
        "above-all": [OURS, SESSIONS, USERS],
        "above-users": [SESSIONS, OURS, USERS],
    },
)
def our_middleware_stands_too_high(project: Project, middleware: list[str]) -> None:
    project.settings["MIDDLEWARE"] = middleware
    project.oauth("demo")
    assert project.ids() == ["E011"]


@cases.rows("fine-middleware", {"users": [SESSIONS, USERS, OURS], "none": [SESSIONS, OURS]})
def our_middleware_stands_right(project: Project, middleware: list[str]) -> None:
    project.settings["MIDDLEWARE"] = middleware
    project.oauth("demo")
    assert project.ids() == []


@cases.row("W001")
def client_in_both_settings(project: Project) -> None:
    project.settings["AUTHLIB_OAUTH_CLIENTS"] = {"demo": {**FINE, "client_id": "another"}}
    project.oauth("demo")
    assert project.ids() == ["W001"]
    project.settings["AUTHLIB_OAUTH_CLIENTS"] = {"demo": dict(FINE)}
    assert project.ids() == []


@cases.row("W002")
def client_that_nobody_registers(project: Project) -> None:
    project.settings["OAUTHCLIENT_CLIENTS"] = {"demo": FINE, "dmo": FINE}
    project.oauth("demo")
    [finding] = project.findings()
    assert finding.id == "oauthclient.W002"
    assert "'dmo'" in finding.msg


@cases.rows("W003", ["Strict", "strict"])
def session_that_stays_behind(project: Project, same_site: str) -> None:
    project.settings["SESSION_COOKIE_SAMESITE"] = same_site
    project.oauth("demo")
    assert project.ids() == ["W003"]


@cases.row("W004")
def insecure_http(project: Project) -> None:
    project.settings["OAUTHCLIENT_CLIENTS"] = {"demo": {**FINE, "insecure_http": True}}
    project.oauth("demo")
    assert project.ids() == ["W004"]


@cases.row("W005")
def pkce_is_off(project: Project) -> None:
    off = {"client_kwargs": {"code_challenge_method": None}}
    project.settings["OAUTHCLIENT_CLIENTS"] = {"demo": {**FINE, **off}}
    project.oauth("demo")
    assert project.ids() == ["W005"]


@cases.row("W006")
def base_url_of_plain_http(project: Project) -> None:
    project.settings["OAUTHCLIENT_BASE_URL"] = "http://www.example.com"
    project.oauth("demo")
    assert project.ids() == ["W006"]
    project.settings["DEBUG"] = True
    assert project.ids() == []


@cases.rows("fine-base", ["https://www.example.com/app", "http://localhost:8000", ""])
def base_url_that_is_well(project: Project, base: str) -> None:
    project.settings["OAUTHCLIENT_BASE_URL"] = base
    project.oauth("demo")
    assert project.ids() == []


@cases.row("W007-W008")
def cache_of_one_process_with_little_room(project: Project) -> None:
    project.oauth("demo", cache="default")
    assert project.ids() == []
    assert project.ids(deploy=True) == ["W007", "W008"]


@cases.rows("W008", {"files": "filebased.FileBasedCache", "database": "db.DatabaseCache"})
def cache_with_little_room(project: Project, back_end: str) -> None:
    folder = "/nowhere-that-is-written-to"
    entry = {"BACKEND": BACK_ENDS + back_end, "LOCATION": folder}
    project.settings["CACHES"] = {"default": entry}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{BACK_ENDS}filebased.FileBasedCache._createdir", lambda self: None)
        with caches_of(project):
            project.oauth("demo", cache="default")
            assert project.ids(deploy=True) == ["W008"]


@cases.row("W008-fine")
def cache_with_much_room(project: Project) -> None:
    entry = {"BACKEND": f"{BACK_ENDS}db.DatabaseCache", "LOCATION": "caches"}
    project.settings["CACHES"] = {"default": {**entry, "OPTIONS": {"MAX_ENTRIES": 100_000}}}
    with caches_of(project):
        project.oauth("demo", cache="default")
        assert project.ids(deploy=True) == []


class caches_of:  # noqa: N801
    """Let ``django.core.cache.caches`` be those of a project, for the length of a block."""

    def __init__(self, project: Project) -> None:
        self._settings = project.settings["CACHES"]
        self._patch = pytest.MonkeyPatch()

    def __enter__(self) -> None:
        self._patch.setattr(caches, "settings", self._settings)
        self._patch.setattr(caches, "_connections", Local())

    def __exit__(self, *_: object) -> None:
        self._patch.undo()


@pytest.mark.parametrize("case", cases.params())
def test_check(case: Case, project: Project) -> None:
    case(project)


def test_every_id_is_in_the_table() -> None:
    source = getsource(checks)
    errors = {f"E{int(number):03}" for number in re.findall(r"_error\(\s*(\d+)", source)}
    warned = {f"W{int(number):03}" for number in re.findall(r"_warning\(\s*(\d+)", source)}
    tested = "-".join(case.id for case in cases.params())
    assert len(errors) == 11
    assert len(warned) == 8
    assert all(one in tested for one in errors | warned)


def test_command_fails_by_an_error(project: Project) -> None:
    project.settings["OAUTHCLIENT_CLIENTS"] = {"demo": {**FINE, "client_idd": "x"}}
    project.oauth("demo")
    with (
        _project.replaced(**project.settings),
        pytest.raises(SystemCheckError, match=r"client_idd"),
    ):
        call_command("check")


def test_a_finding_can_be_silenced(project: Project) -> None:
    project.settings["SILENCED_SYSTEM_CHECKS"] = ["oauthclient.W002"]
    with _project.replaced(**project.settings):
        call_command("check", fail_level="WARNING")


def test_what_a_registration_says_itself_is_checked_too(project: Project) -> None:
    oauth = project.oauth()
    oauth.register("one", client_id="an-id", insecure_http=True)
    oauth.register("two", client_id="")
    project.settings["OAUTHCLIENT_CLIENTS"] = {}
    assert project.ids() == ["E007", "W004"]


def test_no_client_is_asked_for_anything_and_the_log_is_told_nothing(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    project.settings["OAUTHCLIENT_CLIENTS"] = {"demo": {**FINE, "insecure_http": True}}
    oauth = project.oauth("demo")
    project.findings()
    assert "_session" not in vars(oauth.demo)
    assert not [record for record in caplog.records if "oauthclient" in record.name]
