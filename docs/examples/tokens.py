"""Tokens in a database: people sign in, and a worker goes on with what they have allowed."""

import click
from flask import Flask
from sqlalchemy import create_engine

from flask_oauthclient import LoginRequired
from flask_oauthclient import LoginResult
from flask_oauthclient import OAuth
from flask_oauthclient import SQLAlchemyTokenStore
from flask_oauthclient import login_required

oauth = OAuth()
oauth.register("demo", client_kwargs={"scope": "openid profile api offline_access"})


def sign_in(result: LoginResult) -> str:
    return result.claims["sub"]  # your key of the person, and so the owner of the token


def count_notes(owner: str) -> int:
    response = oauth.demo.for_account(owner=owner).get("notes")
    response.raise_for_status()
    return len(response.json()["notes"])


def create_app() -> Flask:
    app = Flask(__name__)
    app.config["DATABASE_URL"] = "sqlite:///tokens.db"
    app.config.from_prefixed_env()  # FLASK_SECRET_KEY, FLASK_DEMO_ISSUER, FLASK_DEMO_CLIENT_ID, ...
    store = SQLAlchemyTokenStore(create_engine(app.config["DATABASE_URL"]))
    oauth.init_app(app, token_store=store)
    app.register_blueprint(oauth.create_blueprint(on_login=sign_in), url_prefix="/auth")

    @app.get("/notes")
    @login_required
    def notes() -> list[str]:
        return [note["text"] for note in oauth.demo.get("notes").json()["notes"]]

    @app.cli.command("create-table")
    def create_table() -> None:
        store.create_table()

    @app.cli.command("report")
    @click.argument("owner")
    def report(owner: str) -> None:
        """What a worker does for somebody who is not there."""
        try:
            click.echo(f"{owner} has {count_notes(owner)} notes.")
        except LoginRequired:
            click.echo(f"{owner} has to sign in again.")

    return app
