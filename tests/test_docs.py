"""What the documentation lists by hand is complete."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import click
import pytest
from jinja2 import Environment
from jinja2 import FileSystemLoader
from jinja2 import meta

import flask_oauthclient
from flask_oauthclient import OAuth
from flask_oauthclient import django_client
from flask_oauthclient.flask_client import cli
from flask_oauthclient.flask_client import signals
from flask_oauthclient.sign_in.identity import KEPT_CLAIMS
from flask_oauthclient.sign_in.pages import HEADERS
from flask_oauthclient.sign_in.routes import ROUTES

ROOT = Path(__file__).parents[1]
CLIENT = ROOT / "flask_oauthclient" / "flask_client"
SIGN_IN = ROOT / "flask_oauthclient" / "sign_in"
BLUEPRINT = (ROOT / "docs" / "blueprint.rst").read_text(encoding="utf-8")
TOKENS = (ROOT / "docs" / "tokens.rst").read_text(encoding="utf-8")
DJANGO = (ROOT / "docs" / "django.rst").read_text(encoding="utf-8")
CONFIGURATION = (ROOT / "docs" / "configuration.rst").read_text(encoding="utf-8")
TEMPLATES = sorted((CLIENT / "templates" / "oauthclient").glob("*.html"))
KEYWORDS = set(inspect.signature(OAuth.create_blueprint).parameters) - {"self", "name"}
PROPERTIES = set(
    re.findall(r"--oauthclient-[a-z-]+", (SIGN_IN / "static/oauthclient.css").read_text())
)
SIGNALS = {name for name in vars(signals) if name in flask_oauthclient.__all__}
#: Signals that are explained with the tokens.
TOKEN_SIGNALS = {name for name in SIGNALS if name.startswith("token_")}
#: Names that the faces of Flask and Django have in common, and that are listed with Flask's.
SHARED_NAMES = {"Identity", "LoginRequired", "LoginResult", "OAuthError", "safe_next"}
#: Public names that are not imported by ``*``, since they need SQLAlchemy.
SQLALCHEMY_NAMES = {"SQLAlchemyTokenStore", "TokenMixin", "token_table"}
#: What an application can choose between.
STORES = {
    name
    for name in {*flask_oauthclient.__all__, *SQLALCHEMY_NAMES}
    if name.endswith("TokenStore") and name not in ("TokenStore", "SealedTokenStore")
}
SETTINGS = {
    name
    for path in (ROOT / "flask_oauthclient").rglob("*.py")
    for name in re.findall(r'"(OAUTHCLIENT_[A-Z_]+)"', path.read_text(encoding="utf-8"))
}


def commands(group: click.Group, name: str) -> set[str]:
    """The commands of a group, as they are called."""
    found = set()
    for child, command in group.commands.items():
        called = f"{name} {child}"
        found |= commands(command, called) if isinstance(command, click.Group) else {called}
    return found


@pytest.mark.parametrize("keyword", sorted(KEYWORDS))
def test_every_option_of_the_blueprint_is_explained(keyword: str) -> None:
    assert re.search(rf"\b{keyword}\b(``|=|\()", BLUEPRINT)


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_every_route_is_listed_with_path_and_methods(route: str) -> None:
    path, methods = ROUTES[route]
    row = f"* - ``{route}``\n     - ``{path}``\n     - {', '.join(methods)}\n"
    assert row in BLUEPRINT


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_template_is_listed_with_its_variables(template: Path) -> None:
    environment = Environment(loader=FileSystemLoader(CLIENT / "templates"))
    wanted = meta.find_undeclared_variables(environment.parse(template.read_text()))
    wanted.discard("gettext")  # set by the template itself, outside of its blocks

    assert f"``oauthclient/{template.name}``" in BLUEPRINT
    assert {name for name in wanted if f"``{name}``" not in BLUEPRINT} == set()


@pytest.mark.parametrize("name", sorted({*PROPERTIES, *SIGNALS, *HEADERS, *KEPT_CLAIMS}))
def test_every_name_is_listed(name: str) -> None:
    assert f"``{name}``" in BLUEPRINT


@pytest.mark.parametrize("policy", HEADERS.values())
def test_headers_are_as_they_are_sent(policy: str) -> None:
    assert f"``{policy}``" in re.sub(r"\s+", " ", BLUEPRINT)


@pytest.mark.parametrize("name", sorted(TOKEN_SIGNALS))
def test_every_signal_about_tokens_is_explained_with_them(name: str) -> None:
    assert re.search(rf"^``{name}`` ", TOKENS, re.MULTILINE)


@pytest.mark.parametrize("store", sorted(STORES))
def test_every_store_is_in_the_table_and_has_a_set_up(store: str) -> None:
    assert f"   * - ``{store}``" in TOKENS
    assert f"{store}(" in TOKENS


@pytest.mark.parametrize("command", sorted(commands(cli.oauth, "flask oauth")))
def test_every_command_is_documented(command: str) -> None:
    assert f"``{command}``" in CONFIGURATION
    assert f"``{command}``" in TOKENS


@pytest.mark.parametrize("setting", sorted(SETTINGS))
def test_every_setting_of_the_extension_is_documented(setting: str) -> None:
    assert f"``{setting}``\n    " in CONFIGURATION


def test_every_check_of_a_django_project_is_listed() -> None:
    code = (ROOT / "flask_oauthclient" / "django_client" / "checks.py").read_text(encoding="utf-8")
    found = re.findall(r"_(error|warning)\(\s*(\d+),", code)
    ids = {f"oauthclient.{kind[0].upper()}{int(number):03}" for kind, number in found}

    assert ids
    assert set(re.findall(r"``(oauthclient\.[EW]\d+)``", DJANGO)) == ids


@pytest.mark.parametrize("name", sorted(django_client.__all__))
def test_every_public_name_for_django_is_in_the_reference(name: str) -> None:
    reference = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8")
    assert f"flask_oauthclient.django_client.{name}" in reference or name in SHARED_NAMES


def test_every_public_name_is_in_the_reference() -> None:
    reference = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8")
    public = {*flask_oauthclient.__all__, *SQLALCHEMY_NAMES}
    names = public - {"FlaskIntegration", "OAuthError", "__version__"}
    assert {name for name in names if f"flask_oauthclient.{name}" not in reference} == set()
