"""Logins at a certified provider through Django's live server."""

from __future__ import annotations

import re

from tests.django_project._person import code_of
from tests.django_project._person import said
from tests.django_project.conftest import MakePerson
from tests.django_project.conftest import Site
from tests.servers.oidc_provider import OidcProvider


def test_sign_in_from_the_front_page(person: MakePerson, site: Site) -> None:
    alice = person()
    page = alice.open("/")
    assert said(page) == "nobody"
    [link] = re.findall('href="([^"]+)"', page.text)
    choice = alice.open(link)
    assert [form.action for form in choice.forms] == ["/auth/login/op", "/auth/login/posting"]
    alice.press = ["Continue"]
    page = alice.browser.submit(choice, form=choice.forms[0])
    while page.forms:
        page = alice.browser.submit(page, alice.answers, alice.press)
    assert (page.url, said(page)) == (f"{site.origin}/files", "alice")


def test_page_that_needs_somebody_sends_to_sign_in_and_back(person: MakePerson, site: Site) -> None:
    page = person().open("/files")
    assert page.url == f"{site.origin}/auth/login?next=/files"


def test_user_is_found_again_by_issuer_and_subject(person: MakePerson) -> None:
    numbers = []
    for _ in range(2):
        alice, bob = person("alice"), person("bob")
        alice.sign_in()
        bob.sign_in()
        numbers.append((alice.user(), bob.user()))
    assert numbers[0] == numbers[1]
    assert len({"nobody", *numbers[0]}) == 3


def test_session_has_another_key_than_before(person: MakePerson) -> None:
    alice = person()
    alice.begin("/")  # the login is pending in this session
    before = alice.session_key()
    alice.sign_in()
    assert before is not None
    assert alice.session_key() != before


def test_api_is_called_with_the_stored_token(
    person: MakePerson, oidc_provider: OidcProvider
) -> None:
    alice = person()
    alice.sign_in()
    before = oidc_provider.paths().count("/me")
    assert said(alice.open("/files")) == "alice"
    assert oidc_provider.paths().count("/me") == before + 1
    assert oidc_provider.paths().count("/token") == 1


def test_token_is_refreshed_when_its_time_is_up(
    person: MakePerson, site: Site, oidc_provider: OidcProvider
) -> None:
    alice = person()
    alice.sign_in()
    number = alice.user()
    for count in (1, 2):  # the second time with the refresh token of the first time
        site.project.let_expire(number)
        for _ in range(2):
            assert said(alice.open("/files")) == "alice"
        assert oidc_provider.paths().count("/token") == 1 + count


def test_token_that_the_provider_has_ended_is_one_to_sign_in_again_for(
    person: MakePerson, site: Site, oidc_provider: OidcProvider
) -> None:
    alice = person()
    alice.sign_in()
    number = alice.user()
    site.project.let_expire(number, refresh_token="no such token")
    page = alice.walk("/files")
    assert (page.url, said(page)) == (f"{site.origin}/files", "alice")
    assert alice.user() == number
    assert oidc_provider.paths().count("/token") == 3  # a login, a refresh in vain, a login


def test_sign_out_at_the_provider_and_back(
    person: MakePerson, site: Site, oidc_provider: OidcProvider
) -> None:
    alice = person()
    alice.sign_in()
    page = alice.sign_out()
    assert page.url.startswith(f"{site.origin}/auth/logout/callback?state=")
    assert "You are signed out" in page.text
    assert "/session/end" in oidc_provider.paths()
    assert alice.user() == "nobody"
    assert alice.open("/auth/login/op").url.startswith(f"{oidc_provider.issuer}/interaction/")


def test_callback_that_comes_again(
    person: MakePerson, site: Site, oidc_provider: OidcProvider
) -> None:
    alice, mallory = person(), person("mallory")
    callback = alice.begin("/files")
    # In another browser it signs nobody in; a login of that browser's own begins instead.
    stolen = mallory.open(callback)
    assert stolen.url.startswith(f"{oidc_provider.issuer}/interaction/")
    assert mallory.user() == "nobody"
    assert "/token" not in oidc_provider.paths()
    assert said(alice.open(callback)) == "alice"
    for _ in range(2):
        assert alice.open(callback).url == f"{site.origin}/files"
        mallory.open(callback)
    assert oidc_provider.paths().count("/token") == 1
    assert mallory.user() == "nobody"


def test_two_tabs(person: MakePerson, site: Site) -> None:
    alice = person()
    first, second = alice.begin("/files"), alice.begin("/")
    assert alice.open(second).url == f"{site.origin}/"
    assert alice.open(first).url == f"{site.origin}/files"
    assert alice.user() != "nobody"


def test_answer_that_is_posted_across_sites(
    person: MakePerson, site: Site, oidc_provider: OidcProvider
) -> None:
    alice = person()
    assert alice.sign_in("posting").url == f"{site.origin}/"
    posted = [visit for visit in alice.seen if visit.url.startswith(f"{site.origin}/auth/callback")]
    assert [visit.method for visit in posted] == ["POST", "GET"]
    assert posted[0].initiator is not None
    assert posted[0].initiator.startswith(oidc_provider.issuer)
    assert alice.user() != "nobody"


def test_page_with_the_token_of_another_client_sends_to_that_one_and_back(
    person: MakePerson, site: Site
) -> None:
    alice = person()
    alice.sign_in("posting")
    number = alice.user()
    page = alice.walk("/files")
    assert (page.url, said(page)) == (f"{site.origin}/files", "alice")
    assert alice.user() == number  # one user: issuer and subject are the same


def test_person_who_cancels(person: MakePerson, oidc_provider: OidcProvider) -> None:
    alice = person()
    page = alice.open("/auth/login/op")
    [cancel] = re.findall(r'href="([^"]+/abort)"', page.text)
    page = alice.open(cancel)
    assert (page.status, code_of(page), alice.user()) == (400, "access_denied", "nobody")
    assert "/token" not in oidc_provider.paths()
    assert [form.action for form in page.forms] == ["/auth/login/op"]  # to try again


def test_stylesheet_is_there_for_people_who_are_not_signed_in(person: MakePerson) -> None:
    page = person().open("/auth/login")
    [stylesheet] = re.findall('<link rel="stylesheet" href="([^"]+)"', page.text)
    response = person().open(stylesheet).response
    assert response.headers["Content-Type"].startswith("text/css")
    assert ".oauthclient-card" in response.text
