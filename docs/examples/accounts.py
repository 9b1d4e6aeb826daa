"""Users in a database, each with an account at one provider or more."""

from __future__ import annotations

from flask import Flask
from flask import abort
from flask import redirect
from flask import render_template_string
from flask import url_for
from flask_login import LoginManager
from flask_login import UserMixin
from flask_login import current_user
from flask_login import login_required
from flask_wtf import CSRFProtect
from sqlalchemy import ForeignKey
from sqlalchemy import String
from sqlalchemy import UniqueConstraint
from sqlalchemy import create_engine
from sqlalchemy import delete
from sqlalchemy import select
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column
from sqlalchemy.orm import relationship
from sqlalchemy.orm import scoped_session
from sqlalchemy.orm import sessionmaker
from werkzeug import Response

from flask_oauthclient import Identity
from flask_oauthclient import LoginResult
from flask_oauthclient import OAuth
from flask_oauthclient import OAuthError
from flask_oauthclient.flask_client.flask_login import FlaskLogin

app = Flask(__name__)
app.config.update(SESSION_COOKIE_SAMESITE="Lax", DATABASE_URL="sqlite:///accounts.db")
app.config.from_prefixed_env()  # FLASK_SECRET_KEY, FLASK_ACME_ISSUER, FLASK_ACME_CLIENT_ID, ...

# -- the tables --------------------------------------------------------------------------------

engine = create_engine(app.config["DATABASE_URL"])
db = scoped_session(sessionmaker(engine))
app.teardown_appcontext(lambda error: db.remove())

#: Compared byte by byte, since "USER1" and "user1" are two people. MySQL and MariaDB take them for
#: one unless told otherwise; SQLite and PostgreSQL don't.
Exactly = (
    String(255)
    .with_variant(mysql.VARCHAR(255, collation="utf8mb4_0900_bin"), "mysql")
    .with_variant(mysql.VARCHAR(255, collation="utf8mb4_nopad_bin"), "mariadb")
)


class Base(DeclarativeBase):
    """The tables of this application."""


class User(Base, UserMixin):
    """Somebody who uses this application. The address is for writing to them, not a key."""

    __tablename__ = "user"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    accounts: Mapped[list[Account]] = relationship(
        back_populates="user", cascade="all, delete-orphan"
    )


class Account(Base):
    """An account at a provider: subject and issuer together say whose it is."""

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(64))
    issuer: Mapped[str] = mapped_column(Exactly)
    subject: Mapped[str] = mapped_column(Exactly)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    user: Mapped[User] = relationship(back_populates="accounts")


def account_of(result: LoginResult) -> Account:
    """The account that somebody has just signed in with, for the table."""
    return Account(provider=result.name, issuer=result.claims["iss"], subject=result.claims["sub"])


def owner_of(account: Account) -> User | None:
    """Whose account it is already."""
    same = Account.issuer == account.issuer, Account.subject == account.subject
    return db.scalar(select(User).join(Account).where(*same))


# -- signing in --------------------------------------------------------------------------------


def find_user(result: LoginResult) -> User:
    """The user that a login is for; somebody new becomes one."""
    account = account_of(result)
    user = owner_of(account)
    if user is not None:
        return user
    if result.signed_in is not None and result.signed_in.key != result.key:
        raise OAuthError("account_mismatch")  # nobody becomes somebody else by accident
    about = result.userinfo
    email = about.email.strip().lower() if about.email and about.email_verified else None
    account.user = User(name=about.name or "somebody", email=email)
    db.add(account)
    return account.user if saved() else taken(account)


def taken(account: Account) -> User:
    """The user whom the same person's other tab has made a moment ago, if that is it."""
    # If not, the address is a user's. Whoever has it today need not be who had it then, so it
    # proves nothing: the user has to sign in and link this account.
    text = "There is a user with your address. Sign in as before, then link this account."
    return owner_of(account) or abort(409, text)


def saved() -> bool:
    """Whether the database takes what was added; its constraints have the last word."""
    try:
        db.commit()
    except IntegrityError:
        db.rollback()
        return False
    return True


def on_link(result: LoginResult, identity: Identity) -> None:
    """One more account for who is signed in, unless it is somebody else's."""
    account = account_of(result)
    if owner_of(account) is None:
        account.user = current_user._get_current_object()
        db.add(account)
        saved()
    if owner_of(account) != current_user:
        abort(409, "This account belongs to another user here.")


def on_unlink(provider: str, identity: Identity) -> None:
    """One account less, but never none."""
    mine = Account.user_id == current_user.id
    # Of two tabs that take away one account each, the second waits, and sees what the first did.
    db.get_one(User, current_user.id, with_for_update=True)
    db.execute(delete(Account).where(mine, Account.provider == provider))
    if db.scalar(select(Account.id).where(mine)) is None:
        db.rollback()
        abort(409, "This is your only account. Link another one first.")
    db.commit()


CSRFProtect(app)  # for the one form below that is ours; the blueprint judges its own
logins = LoginManager(app)
logins.login_view, logins.login_message = "oauthclient.login", None
logins.user_loader(lambda user_id: db.get(User, int(user_id)))

oauth = OAuth(app)
for name in ("acme", "globex"):
    oauth.register(name, client_kwargs={"scope": "openid profile email"})
users = FlaskLogin(find_user)
blueprint = oauth.create_blueprint(
    on_login=users.on_login, on_logout=users.on_logout, on_link=on_link, on_unlink=on_unlink
)
app.register_blueprint(blueprint, url_prefix="/auth")

# -- the pages ---------------------------------------------------------------------------------

HOME = """<!doctype html><title>Accounts</title><h1>{{ current_user.name }}</h1>
{% macro button(text, action) %}<form method="post" action="{{ action }}">
<input type="hidden" name="csrf_token" value="{{ csrf_token() }}"><button>{{ text }}</button>
</form>{% endmacro %}
{% for name in providers %}{% if name in linked %}
{{ button("Unlink " ~ name, url_for("oauthclient.unlink", provider=name)) }}{% else %}
{{ button("Link " ~ name, url_for("oauthclient.link", provider=name)) }}{% endif %}{% endfor %}
{{ button("Sign out", url_for("oauthclient.logout")) }}
{{ button("Delete everything", url_for("delete_user")) }}"""


@app.get("/")
@login_required
def home() -> str:
    """Show who is signed in, with which accounts."""
    linked = {account.provider for account in current_user.accounts}
    return render_template_string(HOME, providers=oauth.names(), linked=linked)


@app.post("/delete")
@login_required
def delete_user() -> Response:
    """Delete the user with all accounts, and sign out."""
    db.delete(current_user._get_current_object())
    db.commit()
    return redirect(url_for("oauthclient.logout"), 307)  # 307: as a POST, like this one


Base.metadata.create_all(engine)
