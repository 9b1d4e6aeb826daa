"""Views of a project's own, and a provider of OAuth 1.0a, through Django's live server."""

from __future__ import annotations

from urllib.parse import parse_qs
from urllib.parse import urlsplit

import pytest

from tests.django_project._person import Person
from tests.django_project._person import said
from tests.django_project.conftest import MakePerson
from tests.django_project.conftest import Site
from tests.servers.oauthlib_server import OAuth1Server

pytestmark = pytest.mark.usefixtures("oauth1_server")


@pytest.fixture
def alice(person: MakePerson) -> Person:
    """Somebody who is signed in, as a user of each test's own."""
    alice = person("photographer")
    alice.sign_in()
    return alice


@pytest.fixture(autouse=True)
def _no_photos_yet(site: Site) -> None:
    site.project.run(
        "from home.models import Account\n"
        "from mysite.oauth import oauth\n"
        "for account in Account.objects.all():\n"
        "    oauth.photos.for_account(account.user.pk).forget_token()\n"
    )


def test_photos_are_shown_once_they_are_connected(
    alice: Person, site: Site, oauth1_server: OAuth1Server
) -> None:
    assert said(alice.open("/photos")) == "No photos"
    page = alice.walk("/photos/connect")
    assert (page.url, said(page)) == (f"{site.origin}/photos", "photographer")
    paths = [entry["path"] for entry in oauth1_server.log() if entry["path"] != "/authorize"]
    assert paths == ["/initiate", "/token", "/echo"]


def test_photos_are_those_of_who_is_signed_in(alice: Person, person: MakePerson) -> None:
    alice.walk("/photos/connect")
    bob = person("bob")
    bob.sign_in()
    assert said(bob.open("/photos")) == "No photos"
    bob.walk("/photos/connect")
    assert (said(alice.open("/photos")), said(bob.open("/photos"))) == ("photographer", "bob")


def test_photos_stay_connected_when_somebody_comes_back(alice: Person, person: MakePerson) -> None:
    alice.walk("/photos/connect")
    alice.sign_out()
    other = person("photographer")
    other.sign_in()
    assert said(other.open("/photos")) == "photographer"


def test_person_who_denies(alice: Person, oauth1_server: OAuth1Server) -> None:
    alice.press = ["Deny"]
    page = alice.walk("/photos/connect")
    assert (page.status, said(page)) == (400, "access_denied")
    assert oauth1_server.log("/token") == []
    assert said(alice.open("/photos")) == "No photos"


def test_callback_that_comes_again(
    alice: Person, site: Site, person: MakePerson, oauth1_server: OAuth1Server
) -> None:
    callback = f"{site.origin}/photos/callback"
    page = alice.browser.walk(
        f"{site.origin}/photos/connect", alice.answers, alice.press, stop_before=callback
    )
    come_back = page.history[-1].url
    assert "oauth_verifier" in parse_qs(urlsplit(come_back).query)
    mallory = person("bob")
    mallory.sign_in()
    assert said(mallory.open(come_back)) == "mismatching_state"
    assert oauth1_server.log("/token") == []
    assert said(alice.open(come_back)) == "photographer"
    assert said(alice.open(come_back)) == "state_used"
    assert len(oauth1_server.log("/token")) == 1
    assert said(mallory.open("/photos")) == "No photos"
