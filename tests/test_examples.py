"""The scripts of the documentation are run as they stand there, each against a real server."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from flask import Flask
from sqlalchemy import MetaData
from sqlalchemy import create_engine
from sqlalchemy import inspect

from flask_oauthclient import MemoryTokenStore
from flask_oauthclient import OAuth
from flask_oauthclient import SQLAlchemyTokenStore
from flask_oauthclient import TokenKey
from flask_oauthclient import token_table
from flask_oauthclient.flask_client import cli
from flask_oauthclient.storage.tokens.envelope import new_key
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.provider import DEMO_CLIENT_ID
from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.helpers.clock import Clock
from tests.servers.oauthlib_server import OAuth1Server
from tests.servers.oidc_provider import OidcProvider

DOCS = Path(__file__).parents[1] / "docs"
EXAMPLES = DOCS / "examples"
TOKENS = (DOCS / "tokens.rst").read_text(encoding="utf-8")


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


def test_tasks_share_a_token(oidc_provider: OidcProvider) -> None:
    worker = oidc_provider.add_worker("tasks", "client_secret_basic", scope="jobs")
    script = start(
        "async_worker.py",
        CLIENT_ID=worker.client_id,
        CLIENT_SECRET=worker.client_secret,
        TOKEN_ENDPOINT=f"{oidc_provider.issuer}/token",
        API=f"{oidc_provider.issuer}/.well-known/openid-configuration",
    )

    assert finish(script) == f"{[200] * 20}\n"


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


def test_an_application_and_a_worker_use_the_token_that_a_login_gave(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clock: Clock
) -> None:
    provider = DevelopmentProvider()
    with provider.serve():
        app = application(
            "tokens.py",
            monkeypatch,
            FLASK_SECRET_KEY="the secret key of the example",
            FLASK_DATABASE_URL=f"sqlite:///{tmp_path / 'tokens.db'}",
            FLASK_DEMO_ISSUER=provider.issuer,
            FLASK_DEMO_CLIENT_ID=DEMO_CLIENT_ID,
            FLASK_DEMO_CLIENT_SECRET=DEMO_CLIENT_SECRET,
            FLASK_DEMO_API_BASE_URL=f"{provider.issuer}/api/",
        )
        run = app.test_cli_runner().invoke
        assert run(args=["create-table"]).exit_code == 0
        with ScriptedBrowser({"http://localhost": app.wsgi_app}) as browser:
            page = browser.sign_in("http://localhost/notes", persona="erin")
            assert (page.url, page.response.json()) == ("http://localhost/notes", [])
        known = provider.log.count("token")
        clock.advance(provider.access_token_lifetime)
        outputs = [run(args=["report", owner]).output for owner in ("erin", "erin", "frank")]

    assert outputs == ["erin has 0 notes.\n"] * 2 + ["frank has to sign in again.\n"]
    assert provider.log.count("token") == known + 1


# -- blocks of the page about tokens ---------------------------------------------------------------


def block(name: str) -> str:
    """The code with a name."""
    found = re.search(rf"^   :name: {name}\n\n((?:    .*\n|\n)+)", TOKENS, re.MULTILINE)
    assert found is not None
    return textwrap.dedent(found[1])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What the blocks have at hand."""
    app, oauth, database = Flask("site"), OAuth(), f"sqlite:///{tmp_path / 'site.db'}"
    app.config.update(
        SECRET_KEY="the secret key of the documentation",
        DATABASE_URL=database,
        SQLALCHEMY_DATABASE_URI=database,
        SQLALCHEMY_ENGINES={"default": database},
        CACHE_FOLDER=str(tmp_path),
    )
    oauth.register("demo", client_id="demo", access_token_url="https://login.example/token")
    names: dict[str, Any] = {"app": app, "oauth": oauth}
    yield names
    if "demo" in vars(oauth):
        oauth.demo.session.close()


def make_tables(names: dict[str, Any]) -> None:
    """Make the table in the way that belongs to what a block has set up."""
    if "Base" in names:
        names["Base"].metadata.create_all(names["db"].engine)
    elif "db" in names:
        names["db"].create_all()
    elif "metadata" in names:
        names["metadata"].create_all(names["engine"])
    elif "store" in names:
        assert names["app"].test_cli_runner().invoke(args=["create-table"]).exit_code == 0


SETUPS = ["flask-sqlalchemy", "flask-sqlalchemy-lite", "engine", "own-table", "files", "session"]


@pytest.mark.parametrize("name", SETUPS)
def test_set_up_keeps_tokens(site: dict[str, Any], name: str) -> None:
    exec(block(f"setup-{name}"), site)
    with site["app"].test_request_context():
        make_tables(site)
        account = site["oauth"].demo.for_account(owner=42)
        account.save_token({"access_token": "made-up", "token_type": "Bearer"})
        assert account.accounts() == [""]
        assert account.token["access_token"] == "made-up"


@pytest.mark.parametrize(("name", "client"), [("redis", "redis"), ("memcached", "pymemcache")])
def test_set_up_with_a_server_is_accepted(site: dict[str, Any], name: str, client: str) -> None:
    pytest.importorskip(client)
    exec(block(f"setup-{name}"), site)
    assert type(site["oauth"].token_store).__name__ == "CacheTokenStore"


def test_migration_makes_the_table_that_the_store_wants(tmp_path: Path) -> None:
    engine, metadata = create_engine(f"sqlite:///{tmp_path / 'site.db'}"), MetaData()
    token_table(metadata)
    steps: dict[str, Any] = {}
    exec(block("migration"), steps)
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        with Operations.context(context):
            steps["upgrade"]()
            assert compare_metadata(context, metadata) == []
            steps["downgrade"]()
            assert inspect(connection).get_table_names() == []
    engine.dispose()


def test_views_of_ones_own_keep_a_token() -> None:
    provider = DevelopmentProvider()
    with provider.serve():
        app, oauth, store = Flask("site"), OAuth(), MemoryTokenStore()
        app.secret_key = "the secret key of the documentation"
        oauth.register(
            "demo",
            issuer=provider.issuer,
            client_id=DEMO_CLIENT_ID,
            client_secret=DEMO_CLIENT_SECRET,
            client_kwargs={"scope": "openid"},
        )
        app.add_url_rule("/files", "files", lambda: {"authorized": oauth.demo.authorized})
        exec(block("own-views"), {"app": app, "oauth": oauth, "store": store})
        with ScriptedBrowser({"http://localhost": app.wsgi_app}) as browser:
            assert browser.open("http://localhost/files").response.json() == {"authorized": False}
            page = browser.sign_in("http://localhost/login", persona="erin")
            assert page.response.json() == {"authorized": True}
        assert store.list("erin") == [TokenKey("demo", "erin")]
        oauth.demo.session.close()


def test_keys_are_changed_in_the_steps_of_the_page(tmp_path: Path) -> None:
    old, new = new_key(), new_key()
    engine = create_engine(f"sqlite:///{tmp_path / 'site.db'}")
    SQLAlchemyTokenStore(engine).create_table()

    def worker(keys: str) -> tuple[OAuth, Flask]:
        app, oauth = Flask("site"), OAuth()
        app.config["OAUTHCLIENT_TOKEN_KEYS"] = keys
        oauth.init_app(app, token_store=SQLAlchemyTokenStore(engine))
        return oauth, app

    keys = [old, f"{old},{new}", f"{new},{old}", new]
    workers = [worker(each) for each in keys]
    for number, (writer, _) in enumerate(workers):
        writer.token_store.put(TokenKey("demo", str(number)), {"access_token": "made-up"})
        # Of two steps that follow each other there are workers at the same time.
        for reader, _ in workers[max(number - 1, 0) : number + 1]:
            for owner in range(number + 1):
                assert reader.token_store.get(TokenKey("demo", str(owner))) is not None
        if number == 2:
            result = workers[number][1].test_cli_runner().invoke(cli.oauth, ["keys", "rotate"])
            assert result.output == "2 tokens sealed anew, 1 had the current key already.\n"
    engine.dispose()


def test_every_named_block_of_the_page_about_tokens_is_run() -> None:
    named = set(re.findall(r"^   :name: (.+)$", TOKENS, re.MULTILINE))
    assert named == {
        *(f"setup-{name}" for name in (*SETUPS, "redis", "memcached")),
        "migration",
        "own-views",
    }


def test_what_other_blocks_import_is_there() -> None:
    blocks = re.findall(r"(?:::|:: python)\n(?:   :.*\n)?\n((?:    .*\n|\n)+)", TOKENS)
    code = "\n".join(textwrap.dedent(found) for found in blocks)
    imports = re.findall(r"^from flask_oauthclient.* import .+$", code, re.MULTILINE)
    exec("\n".join(imports), {})
    assert len(imports) > 8


def test_every_script_of_the_documentation_is_run_here() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    run = set(re.findall(r'^ +"(\w+\.py)",$', here, re.MULTILINE))
    run.add("accounts.py")  # an application, with tests of its own in test_accounts_example.py
    assert {path.name for path in EXAMPLES.glob("*.py")} == run
