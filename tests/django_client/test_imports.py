"""What is imported, and when."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import flask_oauthclient.django_client as package

#: Whatever belongs to another framework, and is not to be had in this process.
_BLOCKED = """
import sys
for name in ("flask", "werkzeug", "jinja2", "click", "blinker", "itsdangerous", "cachelib"):
    sys.modules[name] = None
"""
_SET_UP = """
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="the key of a subprocess",
    INSTALLED_APPS=[@],
    DATABASES={},
    ALLOWED_HOSTS=["localhost"],
)
django.setup()
"""
_LOGIN = """
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.test import RequestFactory
from flask_oauthclient.django_client import OAuth

oauth = OAuth(cache="default")
client = oauth.register("demo", client_id="x", authorize_url="https://op.test/authorize")
request = RequestFactory().get("/", headers={"Host": "localhost"})
request.session = SessionStore()
assert client.authorize_redirect(request, "/callback").status_code == 302
oauth.urls()
"""


def run(*code: str) -> list[str]:
    """Run code in a process of its own; gives the words that it prints."""
    command = [sys.executable, "-W", "error", "-c", "".join(code)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("apps", ["", "'flask_oauthclient.django_client'"])
def test_a_login_needs_nothing_of_flask(apps: str) -> None:
    run(_BLOCKED, _SET_UP.replace("@", apps), _LOGIN)


def test_no_name_needs_anything_of_flask() -> None:
    apps = "'django.contrib.contenttypes', 'flask_oauthclient.django_client'"
    every = "from flask_oauthclient.django_client import *"
    run(_BLOCKED, _SET_UP.replace("@", apps), every)


def test_the_package_imports_neither_models_nor_what_is_not_needed() -> None:
    names = ("flask_oauthclient.django_client.models", "requests", "django.contrib.auth", "httpx2")
    code = f"""
import sys
from flask_oauthclient.django_client import OAuth
oauth = OAuth()
print(*(name for name in {names!r} if name in sys.modules))
"""
    assert run(code) == []


@pytest.mark.parametrize("name", package.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(package, name)
    assert name in dir(package)
