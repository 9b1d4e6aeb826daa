"""Tokens in a database: people sign in, and a worker goes on with what they have allowed."""

import click
from flask import Flask
from sqlalchemy import create_engine

from flask_oauthclient import LoginRequired
from flask_oauthclient import OAuth
from flask_oauthclient import SQLAlchemyTokenStore
from flask_oauthclient import login_required

oauth = OAuth()
oauth.register("demo", client_kwargs={"scope": "openid profile api offline_access"})


def create_app() -> Flask:
    app = Flask(__name__)
    app.config["DATABASE_URL"] = "sqlite:///tokens.db"
    app.config.from_prefixed_env()  # FLASK_SECRET_KEY, FLASK_DEMO_ISSUER, FLASK_DEMO_CLIENT_ID, ...
    store = SQLAlchemyTokenStore(create_engine(app.config["DATABASE_URL"]))
    oauth.init_app(app, token_store=store)
    app.register_blueprint(oauth.create_blueprint(on_login=sign_in), url_prefix="/auth")
    app.cli.command("create-table")(store.create_table)
    app.cli.command("count-notes")(count_notes)

    @app.get("/notes")
    @login_required
    def notes() -> list[str]:
        return [note["text"] for note in oauth.demo.get("notes").json()["notes"]]

    return app


def sign_in(result) -> str:
    return result.claims["sub"]  # your key of the person, and with it the owner of the token


@click.argument("owner")
def count_notes(owner: str) -> None:
    """Do something for somebody who is not there."""
    try:
        response = oauth.demo.for_account(owner=owner).get("notes")
    except LoginRequired:
        click.echo(f"{owner} has to sign in again.")  # send a mail, try no more
        return
    response.raise_for_status()
    click.echo(f"{owner} has {len(response.json()['notes'])} notes.")
