"""The app in the README is run as it stands there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.provider import DEMO_CLIENT_ID
from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import DevelopmentProvider

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture
def development_provider() -> Iterator[DevelopmentProvider]:
    provider = DevelopmentProvider()
    with provider.serve():
        yield provider


def first_python_block() -> str:
    found = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def readme_app(development_provider: DevelopmentProvider, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The app of the README, configured by the environment as its comment says."""
    monkeypatch.setenv("FLASK_SECRET_KEY", "the secret key of the readme test")
    monkeypatch.setenv("FLASK_DEMO_ISSUER", development_provider.issuer)
    monkeypatch.setenv("FLASK_DEMO_CLIENT_ID", DEMO_CLIENT_ID)
    monkeypatch.setenv("FLASK_DEMO_CLIENT_SECRET", DEMO_CLIENT_SECRET)
    namespace = {"__name__": "readme"}
    exec(compile(first_python_block(), str(README), "exec"), namespace)
    app = namespace["app"]
    assert isinstance(app, Flask)
    return app


def test_app_of_the_readme_logs_in(readme_app: Flask) -> None:
    with ScriptedBrowser({"http://localhost": readme_app.wsgi_app}) as browser:
        page = browser.sign_in("http://localhost/login", persona="erin")

    claims = page.response.json()
    assert page.status == 200
    assert claims["sub"] == "erin"
    assert claims["aud"] == DEMO_CLIENT_ID


def test_app_of_the_readme_has_ten_lines_beside_its_imports() -> None:
    lines = [line for line in first_python_block().splitlines() if line.strip()]
    assert len([line for line in lines if not line.startswith("from ")]) == 10
