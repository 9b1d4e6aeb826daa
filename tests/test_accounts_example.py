"""The example with users in a database, as it stands in the documentation, against SQLite."""

from __future__ import annotations

import importlib.util
import re
import sys
import threading
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateTable

from flask_oauthclient.testing.browser import Page
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import KeyRing
from flask_oauthclient.testing.provider import Persona

EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "accounts.py"
ORIGIN = "https://rp.test"
NAMES = ("acme", "globex")
SECRET = "the client secret of these tests"

ALICE = Persona("alice", "Alice", {"email": "Alice@example.com", "email_verified": True})
CAPITAL_ALICE = Persona("ALICE", "Another Alice", {})
BOB = Persona("bob", "Bob", {"email": "bob@example.com", "email_verified": True})
#: Who says that Alice's address is theirs: proven, not proven, and with a server's mistake.
PROVEN = Persona("p", "P", {"email": "alice@EXAMPLE.com", "email_verified": True})
CLAIMED = Persona("c", "C", {"email": "alice@example.com", "email_verified": False})
MISTAKEN = Persona("m", "M", {"email": "alice@example.com", "email_verified": "false"})


def issuer_of(name: str) -> str:
    return f"https://{name}.test"


def make_provider(name: str, keys: KeyRing) -> DevelopmentProvider:
    client = ClientRecord(
        f"at-{name}",
        SECRET,
        redirect_uris=(f"{ORIGIN}/auth/callback/{name}",),
        post_logout_redirect_uris=(f"{ORIGIN}/auth/logout/callback",),
    )
    people = (ALICE, CAPITAL_ALICE, BOB, PROVEN, CLAIMED, MISTAKEN)
    return DevelopmentProvider(issuer_of(name), keys=keys, clients=[client], personas=people)


class AccountsSite:
    """The application of the example, its two providers, and browsers."""

    def __init__(self, module: ModuleType, providers: dict[str, DevelopmentProvider]) -> None:
        self.module: Any = module
        self.providers = providers
        for name, provider in providers.items():
            client = module.oauth.create_client(name)
            client.session.mount(f"{provider.issuer}/", provider.adapter())

    def browser(self) -> Visitor:
        apps = {p.issuer: p.wsgi for p in self.providers.values()}
        return Visitor(ScriptedBrowser({ORIGIN: self.module.app.wsgi_app, **apps}))

    def users(self) -> dict[str, list[str]]:
        """The accounts of each user, by name."""
        accounts = self.module.Account
        with self.module.db() as db:
            return {
                f"{user.id} {user.name}": sorted(f"{a.provider}/{a.subject}" for a in user.accounts)
                for user in db.query(self.module.User).order_by(self.module.User.id)
            } | ({"orphans": []} if db.query(accounts).filter_by(user_id=None).count() else {})

    def before_each(self, statement: str, do: Callable[[], Any]) -> None:
        """Do something before statements that begin so."""

        @event.listens_for(self.module.engine, "before_cursor_execute")
        def listen(connection: Any, cursor: Any, sql: str, *rest: Any) -> None:
            if sql.startswith(statement):
                do()

    def close(self) -> None:
        for name in self.providers:
            self.module.oauth.create_client(name).session.close()
        self.module.db.remove()
        self.module.engine.dispose()


class Visitor:
    """A person with a browser."""

    def __init__(self, browser: ScriptedBrowser) -> None:
        self.browser = browser

    def open(self, path: str = "/") -> Page:
        return self.browser.open(ORIGIN + path)

    def sign_in(self, provider: str, person: str) -> Page:
        return self.browser.sign_in(f"{ORIGIN}/auth/login/{provider}", persona=person)

    def press(self, button: str, page: Page | None = None) -> Page:
        return self.browser.submit(page or self.open(), press=[button])

    def link(self, provider: str, person: str) -> Page:
        """Press the button, and sign in at the provider."""
        page = self.press(f"Link {provider}")
        answers = {"persona": person, "decision": "allow"}
        while any(form.is_meant(answers) for form in page.forms):
            page = self.browser.submit(page, answers)
        return page

    def name(self) -> str | None:
        """As whom the application greets, if it does."""
        found = re.search(r"<title>Accounts</title>\s*<h1>(.*)</h1>", self.open().text)
        return found[1] if found else None


@pytest.fixture
def accounts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, provider_keys: KeyRing
) -> Iterator[AccountsSite]:
    """The example, with a database of its own."""
    monkeypatch.setenv("FLASK_SECRET_KEY", "the secret key of these tests")
    monkeypatch.setenv("FLASK_DATABASE_URL", f"sqlite:///{tmp_path / 'accounts.db'}")
    monkeypatch.setenv("FLASK_WTF_CSRF_SSL_STRICT", "false")  # the browser here sends no referrer
    for name in NAMES:
        monkeypatch.setenv(f"FLASK_{name.upper()}_ISSUER", issuer_of(name))
        monkeypatch.setenv(f"FLASK_{name.upper()}_CLIENT_ID", f"at-{name}")
        monkeypatch.setenv(f"FLASK_{name.upper()}_CLIENT_SECRET", SECRET)
    spec = importlib.util.spec_from_file_location("accounts_example", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    site = AccountsSite(module, {name: make_provider(name, provider_keys) for name in NAMES})
    yield site
    site.close()


@pytest.fixture
def alice(accounts: AccountsSite) -> Visitor:
    """Alice, who has signed up at the first provider."""
    visitor = accounts.browser()
    assert visitor.sign_in("acme", "alice").status == 200
    assert visitor.name() == "Alice"
    return visitor


# -- signing in --------------------------------------------------------------------------------


def test_who_is_not_signed_in_is_asked_to_choose_a_provider(accounts: AccountsSite) -> None:
    page = accounts.browser().open()
    assert page.url == f"{ORIGIN}/auth/login?next=%2F"
    assert "Continue with Acme" in page.text
    assert "Continue with Globex" in page.text


def test_the_same_person_is_the_same_user(accounts: AccountsSite, alice: Visitor) -> None:
    page = alice.press("Sign out")
    assert "You are signed out" in page.text
    assert alice.name() is None
    alice.sign_in("acme", "alice")
    assert alice.name() == "Alice"
    assert accounts.users() == {"1 Alice": ["acme/alice"]}


def test_the_subject_is_compared_exactly(accounts: AccountsSite, alice: Visitor) -> None:
    other = accounts.browser()
    other.sign_in("acme", "ALICE")
    assert other.name() == "Another Alice"
    assert accounts.users() == {"1 Alice": ["acme/alice"], "2 Another Alice": ["acme/ALICE"]}


@pytest.mark.parametrize("dialect", ["mysql", "mariadb"])
def test_the_subject_is_compared_exactly_by_other_databases(
    accounts: AccountsSite, dialect: str
) -> None:
    made = mysql.dialect(is_mariadb=dialect == "mariadb")
    made.name = dialect
    ddl = str(CreateTable(accounts.module.Account.__table__).compile(dialect=made))
    columns = {line.split()[0]: line for line in ddl.splitlines() if "VARCHAR(255)" in line}
    assert set(columns) == {"issuer", "subject"}
    assert all(re.search(r"COLLATE utf8mb4_\w*bin\b", line) for line in columns.values())


def test_the_same_subject_elsewhere_is_another_user(accounts: AccountsSite, alice: Visitor) -> None:
    accounts.providers["globex"].personas["alice"] = Persona("alice", "Globex Alice", {})
    other = accounts.browser()
    other.sign_in("globex", "alice")
    assert other.name() == "Globex Alice"
    assert accounts.users() == {"1 Alice": ["acme/alice"], "2 Globex Alice": ["globex/alice"]}


def test_an_address_that_is_taken_is_an_error_and_no_key(
    accounts: AccountsSite, alice: Visitor
) -> None:
    """Rows AC05 and AC08: it is compared in one spelling, and never decides who somebody is."""
    other = accounts.browser()
    page = other.sign_in("globex", "p")
    assert page.status == 409
    assert "There is a user with your address." in page.text
    assert other.name() is None
    assert accounts.users() == {"1 Alice": ["acme/alice"]}


@pytest.mark.parametrize("person", ["c", "m"])
def test_an_address_that_is_not_verified_counts_for_nothing(
    accounts: AccountsSite, alice: Visitor, person: str
) -> None:
    other = accounts.browser()
    other.sign_in("globex", person)
    assert other.name() == person.upper()
    assert accounts.users()[f"2 {person.upper()}"] == [f"globex/{person}"]
    with accounts.module.db() as db:
        emails = [user.email for user in db.query(accounts.module.User)]
    assert emails == ["alice@example.com", None]


def test_two_first_logins_at_once_make_one_user(accounts: AccountsSite) -> None:
    together = threading.Barrier(2, timeout=20)
    accounts.before_each("INSERT INTO user", together.wait)
    people = [accounts.browser(), accounts.browser()]
    with ThreadPoolExecutor(2) as tabs:
        pages = list(tabs.map(lambda one: one.sign_in("acme", "alice"), people))
    assert [page.status for page in pages] == [200, 200]
    assert [one.name() for one in people] == ["Alice", "Alice"]
    assert accounts.users() == {"1 Alice": ["acme/alice"]}


def test_nobody_becomes_somebody_else_while_signed_in(
    accounts: AccountsSite, alice: Visitor
) -> None:
    page = alice.sign_in("globex", "bob")
    assert "account_mismatch" in page.text
    assert alice.name() == "Alice"
    assert accounts.users() == {"1 Alice": ["acme/alice"]}


# -- linking -----------------------------------------------------------------------------------


def test_a_linked_account_leads_to_the_same_user(accounts: AccountsSite, alice: Visitor) -> None:
    page = alice.link("globex", "bob")
    assert (page.status, page.url) == (200, f"{ORIGIN}/")
    assert "Unlink globex" in page.text
    alice.press("Sign out")
    alice.sign_in("globex", "bob")
    assert alice.name() == "Alice"
    assert accounts.users() == {"1 Alice": ["acme/alice", "globex/bob"]}


def test_an_address_that_is_taken_may_be_linked(accounts: AccountsSite, alice: Visitor) -> None:
    alice.link("globex", "p")
    assert accounts.users() == {"1 Alice": ["acme/alice", "globex/p"]}


def test_linking_twice_changes_nothing(accounts: AccountsSite, alice: Visitor) -> None:
    page = alice.open()
    alice.link("globex", "bob")
    assert alice.press("Link globex", page).status == 200
    assert accounts.users() == {"1 Alice": ["acme/alice", "globex/bob"]}


def test_an_account_of_somebody_else_is_not_linked(accounts: AccountsSite, alice: Visitor) -> None:
    bob = accounts.browser()
    bob.sign_in("globex", "bob")
    before = accounts.users()
    page = alice.link("globex", "bob")
    assert page.status == 409
    assert "belongs to another user" in page.text
    assert accounts.users() == before
    assert (alice.name(), bob.name()) == ("Alice", "Bob")


def test_two_users_who_link_one_account_at_once(accounts: AccountsSite, alice: Visitor) -> None:
    other = accounts.browser()
    other.sign_in("acme", "ALICE")
    together = threading.Barrier(2, timeout=20)
    accounts.before_each("INSERT INTO account", together.wait)
    with ThreadPoolExecutor(2) as tabs:
        pages = list(tabs.map(lambda one: one.link("globex", "bob"), [alice, other]))
    assert sorted(page.status for page in pages) == [200, 409]
    linked = [name for names in accounts.users().values() for name in names]
    assert sorted(linked) == ["acme/ALICE", "acme/alice", "globex/bob"]


# -- unlinking, and the end ---------------------------------------------------------------------


def test_an_unlinked_account_leads_to_nobody(accounts: AccountsSite, alice: Visitor) -> None:
    alice.link("globex", "bob")
    page = alice.press("Unlink acme")
    assert "Link acme" in page.text
    assert accounts.users() == {"1 Alice": ["globex/bob"]}
    assert alice.name() == "Alice"
    alice.press("Sign out")
    page = alice.sign_in("acme", "alice")
    assert page.status == 409  # the user with this address has no such account any more
    assert alice.name() is None


def test_the_last_account_stays(accounts: AccountsSite, alice: Visitor) -> None:
    page = alice.press("Unlink acme")
    assert page.status == 409
    assert "your only account" in page.text
    assert accounts.users() == {"1 Alice": ["acme/alice"]}


def test_two_tabs_that_unlink_one_account_each_leave_one(
    accounts: AccountsSite, alice: Visitor
) -> None:
    alice.link("globex", "bob")
    page = alice.open()
    together = threading.Barrier(2, timeout=20)
    accounts.before_each("DELETE FROM account", together.wait)
    with ThreadPoolExecutor(2) as tabs:
        pages = list(tabs.map(lambda name: alice.press(f"Unlink {name}", page), NAMES))
    assert sorted(page.status for page in pages) == [200, 409]
    ((linked,),) = accounts.users().values()
    assert linked in ("acme/alice", "globex/bob")


def test_a_deleted_user_takes_the_accounts_along(accounts: AccountsSite, alice: Visitor) -> None:
    alice.link("globex", "bob")
    elsewhere = accounts.browser()
    elsewhere.sign_in("globex", "bob")
    page = alice.press("Delete everything")
    assert "You are signed out" in page.text
    assert accounts.users() == {}
    assert (alice.name(), elsewhere.name()) == (None, None)
    alice.sign_in("acme", "alice")
    assert alice.name() == "Alice"
    assert list(accounts.users().values()) == [["acme/alice"]]


def test_a_deleted_user_may_begin_anew_in_another_browser(
    accounts: AccountsSite, alice: Visitor
) -> None:
    elsewhere = accounts.browser()
    elsewhere.sign_in("acme", "alice")
    alice.press("Delete everything")
    assert elsewhere.sign_in("acme", "alice").status == 200
    assert elsewhere.name() == "Alice"


def test_the_form_to_delete_needs_its_token(accounts: AccountsSite, alice: Visitor) -> None:
    (form,) = [form for form in alice.open().forms if form.action == "/delete"]
    form.fields.clear()
    page = alice.browser.submit(alice.open(), form=form)
    assert page.status == 400
    assert accounts.users() == {"1 Alice": ["acme/alice"]}
