"""The scripts of the documentation are run as they stand there, each against a real server."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.provider import DEMO_CLIENT_ID
from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.servers.oauthlib_server import OAuth1Server
from tests.servers.oidc_provider import OidcProvider

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"


def start(name: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", str(EXAMPLES / name)],
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1", **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def finish(script: subprocess.Popen[str], answer: str = "") -> str:
    output, errors = script.communicate(answer, timeout=30)
    assert script.returncode == 0, errors
    return output


def test_a_user_authorizes_from_a_terminal(oauth1_server: OAuth1Server) -> None:
    script = start(
        "oauth1_terminal.py",
        SERVER=oauth1_server.base_url,
        CLIENT_ID=oauth1_server.client_id,
        CLIENT_SECRET=oauth1_server.client_secret,
    )
    assert script.stdout is not None
    page = re.search(r"http\S+", script.stdout.readline())
    assert page is not None
    output = finish(script, oauth1_server.verifier(page[0], "alice") + "\n")

    assert "'alice'" in output
    assert "snow ☃" in output


def test_a_worker_renews_its_token(oidc_provider: OidcProvider) -> None:
    worker = oidc_provider.add_worker("worker", "client_secret_basic", scope="jobs")
    oidc_provider.admin("settings", {"accessTokenTTL": 30})  # less than the leeway
    output = finish(
        start(
            "worker.py",
            CLIENT_ID=worker.client_id,
            CLIENT_SECRET=worker.client_secret,
            TOKEN_ENDPOINT=f"{oidc_provider.issuer}/token",
            API=f"{oidc_provider.issuer}/.well-known/openid-configuration",
        )
    )

    assert output.splitlines() == ["A new token came.", "200"] * 3


def test_a_service_account_gets_a_token(oidc_provider: OidcProvider, tmp_path: Path) -> None:
    worker = oidc_provider.add_worker("robot", "none", algorithm="ES256")
    key_file = tmp_path / "key.pem"
    key_file.write_text(worker.private_key)
    output = finish(
        start(
            "service_account.py",
            CLIENT_ID=worker.client_id,
            KEY_FILE=str(key_file),
            ISSUER=oidc_provider.issuer,
            TOKEN_ENDPOINT=f"{oidc_provider.issuer}/service/token",
            API=f"{oidc_provider.issuer}/.well-known/openid-configuration",
        )
    )

    assert output.split() == ["200"]


def application(name: str, monkeypatch: pytest.MonkeyPatch, **environment: str) -> Flask:
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    app = runpy.run_path(str(EXAMPLES / name))["create_app"]()
    assert isinstance(app, Flask)
    return app


def test_an_application_with_the_blueprint_signs_people_in_and_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    provider = DevelopmentProvider()
    with provider.serve():
        app = application(
            "blueprint.py",
            monkeypatch,
            FLASK_SECRET_KEY="the secret key of the example",
            FLASK_DEMO_ISSUER=provider.issuer,
            FLASK_DEMO_CLIENT_ID=DEMO_CLIENT_ID,
            FLASK_DEMO_CLIENT_SECRET=DEMO_CLIENT_SECRET,
        )
        with ScriptedBrowser({"http://localhost": app.wsgi_app}) as browser:
            page = browser.sign_in("http://localhost/files", persona="erin")
            assert (page.url, page.response.json()) == (
                "http://localhost/files",
                {"owner": "erin"},
            )
            home = browser.open("http://localhost/")
            assert "Hello, " in home.text
            page = browser.submit(home, press=["Sign out"])
            assert page.url.startswith("http://localhost/auth/logout/callback?")
            assert "Hello, " not in browser.open("http://localhost/").text


def test_every_script_of_the_documentation_is_run_here() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    run = set(re.findall(r'^ +"(\w+\.py)",$', here, re.MULTILINE))
    run.add("accounts.py")  # an application, with tests of its own in test_accounts_example.py
    assert {path.name for path in EXAMPLES.glob("*.py")} == run
