"""Linking one more account to somebody who is signed in, and taking it away (rows AC, S20)."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import flask
import pytest

from flask_oauthclient import OAuthError
from flask_oauthclient.flask_client import signals
from flask_oauthclient.testing.browser import Page
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import KeyRing
from tests.helpers.clock import Clock

from ._people import PeopleSite
from ._people import Person
from ._people import people_sites
from ._site import ISSUER
from ._site import ORIGIN

OTHER = "https://other.test"
SECRET = "the client secret at the other provider"
CALLBACK = f"{ORIGIN}/auth/callback/other"


class Links:
    """What the application is told about links."""

    def __init__(self) -> None:
        self.linked: list[tuple[str, str, str]] = []
        self.unlinked: list[tuple[str, str]] = []
        self.answer: Any = None

    def link(self, result: Any, identity: Any) -> Any:
        """Keep a link."""
        self.linked.append((identity.sub, result.name, result.claims["sub"]))
        return self.answer

    def unlink(self, name: str, identity: Any) -> Any:
        """Forget a link."""
        self.unlinked.append((identity.sub, name))
        return self.answer


@pytest.fixture
def other(provider_keys: KeyRing) -> DevelopmentProvider:
    """A second provider, at which the person is Bob."""
    other = DevelopmentProvider(OTHER, keys=provider_keys)
    other.add_client(ClientRecord("rp-there", SECRET, redirect_uris=(CALLBACK,)))
    other.auto_sign_in = "bob"
    return other


@pytest.fixture
def links() -> Links:
    return Links()


Linking = Callable[..., PeopleSite]


@pytest.fixture
def make_linking(
    provider: DevelopmentProvider, other: DevelopmentProvider, links: Links
) -> Iterator[Linking]:
    """Makes sites with two providers; the keywords are those of :class:`PeopleSite`."""
    registration = {
        "client_id": "rp-there",
        "client_secret": SECRET,
        "issuer": OTHER,
        "client_kwargs": {"scope": "openid"},
    }
    with people_sites(provider) as make_site:

        def make(**keywords: Any) -> PeopleSite:
            keywords = {"on_link": links.link, "on_unlink": links.unlink, **keywords}
            elsewhere = {OTHER: other.wsgi}
            site = make_site(more={"other": registration}, elsewhere=elsewhere, **keywords)
            site.oauth.other.session.mount(f"{OTHER}/", other.adapter())
            return site

        yield make


@pytest.fixture
def site(make_linking: Linking) -> PeopleSite:
    """A site with two providers."""
    return make_linking()


def alice_at(site: PeopleSite) -> Person:
    """Alice, signed in at the first provider."""
    alice = site.person()
    alice.sign_in("/auth/login/demo")
    assert alice.who["sub"] == "alice"
    return alice


def set_out(alice: Person) -> str:
    """Ask for a link, but do not come back yet.

    :returns: the URL of the callback.
    """
    form = f'{ORIGIN}/form?action=/auth/link/other&fields={{"next":"/who"}}'
    return alice.browser.walk(form, press=["Go"], stop_before=CALLBACK).history[-1].url


def test_account_is_linked_and_who_is_signed_in_stays(site: PeopleSite, links: Links) -> None:
    alice = alice_at(site)
    before = alice.session
    page = alice.post("/auth/link/other", next="/who")

    assert page.url == f"{ORIGIN}/who"
    assert links.linked == [("alice", "other", "bob")]
    assert (alice.who["sub"], alice.who["provider"]) == ("alice", "demo")
    assert alice.session["_oauthclient_identity"] == before["_oauthclient_identity"]


def test_signal_tells_both_and_carries_no_token(site: PeopleSite) -> None:
    heard: list[dict[str, Any]] = []
    alice = alice_at(site)
    with signals.account_linked.connected_to(lambda sender, **told: heard.append(told), site.app):
        alice.post("/auth/link/other")
    [told] = heard
    assert told.keys() == {"name", "identity", "linked"}
    assert told["name"] == "other"
    assert (told["identity"].key, told["linked"].key) == ((ISSUER, "alice"), (OTHER, "bob"))


def test_signal_carries_the_token_if_asked_to(make_linking: Linking) -> None:
    heard: list[dict[str, Any]] = []
    site = make_linking(token_in_signals=True)
    alice = alice_at(site)
    with signals.account_linked.connected_to(lambda sender, **told: heard.append(told), site.app):
        alice.post("/auth/link/other")
    assert heard[0]["token"]["access_token"]


def test_application_may_answer_itself(site: PeopleSite, links: Links) -> None:
    alice = alice_at(site)
    links.answer = flask.Response("This account is somebody else's.", 409)
    page = alice.post("/auth/link/other")
    assert (page.status, page.text) == (409, "This account is somebody else's.")


def test_application_may_refuse_with_an_error(make_linking: Linking) -> None:
    def refuse(result: Any, identity: Any) -> None:
        raise OAuthError("account_taken", "Somebody else has this account.")

    heard: list[str] = []
    site = make_linking(on_link=refuse)
    alice = alice_at(site)
    with signals.account_linked.connected_to(lambda sender, **told: heard.append("x"), site.app):
        page = alice.post("/auth/link/other")
    assert page.status == 403
    assert "account_taken" in page.text
    assert "Somebody else has this account." in page.text
    assert heard == []
    assert alice.who["sub"] == "alice"


def test_account_to_link_may_be_ones_own(site: PeopleSite, links: Links) -> None:
    alice = alice_at(site)
    assert alice.post("/auth/link/demo", next="/who").url == f"{ORIGIN}/who"
    assert links.linked == [("alice", "demo", "alice")]
    assert alice.who["sub"] == "alice"


def test_callback_that_is_reloaded_links_once(site: PeopleSite, links: Links) -> None:
    alice = alice_at(site)
    url = set_out(alice)
    assert alice.browser.open(url).url == f"{ORIGIN}/who"
    assert alice.browser.open(url).url == f"{ORIGIN}/who"
    assert links.linked == [("alice", "other", "bob")]


# -- who may ask ---------------------------------------------------------------------------

ROUTES = ["/auth/link/other", "/auth/unlink/other"]


def ask(alice: Person, path: str, method: str = "POST", **headers: str) -> Any:
    """One request with Alice's cookies, from wherever the headers say."""
    client = alice.site.app.test_client()
    client.set_cookie("session", alice.cookie("session") or "", domain="rp.test")
    return client.open(path, base_url=ORIGIN, method=method, headers=headers)


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_s20_get_links_nothing(site: PeopleSite, links: Links, path: str, method: str) -> None:
    answer = ask(alice_at(site), path, method)
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (405, False)
    assert (links.linked, links.unlinked) == ([], [])


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://sub.rp.test"},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Referer": "https://evil.test/"},
    ],
    ids=str,
)
def test_ac12_foreign_page_links_nothing(
    site: PeopleSite, links: Links, path: str, headers: dict[str, str]
) -> None:
    answer = ask(alice_at(site), path, **headers)
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (403, False)
    assert (links.linked, links.unlinked) == ([], [])


def test_s20_login_with_link_in_its_query_links_nothing(site: PeopleSite, links: Links) -> None:
    alice = alice_at(site)
    alice.open("/auth/login/other", link="1")
    assert links.linked == []
    assert alice.who["sub"] == "alice"


@pytest.mark.parametrize("path", ROUTES)
def test_who_is_not_signed_in_is_asked_to(site: PeopleSite, links: Links, path: str) -> None:
    page = site.person().post(path)
    assert page.url.startswith(f"{ORIGIN}/auth/login?next=")
    assert (links.linked, links.unlinked) == ([], [])


@pytest.mark.parametrize("path", ROUTES)
def test_script_is_told_so(site: PeopleSite, path: str) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
    answer = site.app.test_client().post(path, base_url=ORIGIN, headers=headers)
    assert (answer.status_code, answer.json) == (
        401,
        {"error": "insufficient_user_authentication"},
    )


@pytest.mark.parametrize("path", ROUTES)
def test_ac12_old_sign_in_is_not_enough(
    site: PeopleSite, links: Links, clock: Clock, path: str
) -> None:
    site.provider.clock = clock
    alice = alice_at(site)
    clock.advance(901)
    page = alice.post(path)

    asked = [visit.url for visit in page.history if visit.url.startswith(f"{ISSUER}/authorize")]
    assert len(asked) == 1
    assert "max_age=900" in asked[0]
    assert (links.linked, links.unlinked) == ([], [])  # the form has to be sent once more
    alice.post(path)
    assert len(links.linked) + len(links.unlinked) == 1


def test_how_old_a_sign_in_may_be_is_a_setting(
    make_linking: Linking, links: Links, clock: Clock
) -> None:
    site = make_linking(link_max_age=7200)
    alice = alice_at(site)
    clock.advance(7000)
    alice.post("/auth/unlink/other")
    assert links.unlinked == [("alice", "other")]
    clock.advance(300)
    site.provider.clock = clock
    assert any("max_age=7200" in v.url for v in alice.post("/auth/unlink/other").history)


@pytest.mark.parametrize("path", ["/auth/link/nobody", "/auth/unlink/nobody"])
def test_unknown_provider_is_not_found(site: PeopleSite, path: str) -> None:
    assert ask(alice_at(site), path).status_code == 404


# -- who may come back ---------------------------------------------------------------------


def refused(page: Page, links: Links) -> None:
    assert page.status == 403
    assert "link_mismatch" in page.text
    assert links.linked == []


def test_ac06_another_user_is_signed_in_meanwhile(site: PeopleSite, links: Links) -> None:
    alice = alice_at(site)
    url = set_out(alice)
    alice.sign_out()
    site.provider.auto_sign_in = "bob"
    alice.sign_in("/auth/login/demo")
    assert alice.who["sub"] == "bob"

    refused(alice.browser.open(url), links)
    assert alice.who["sub"] == "bob"


def test_ac06_nobody_is_signed_in_any_more(site: PeopleSite, links: Links) -> None:
    alice = alice_at(site)
    url = set_out(alice)
    alice.sign_out()
    refused(alice.browser.open(url), links)
    assert not alice.is_in


def test_the_same_user_has_signed_in_anew(site: PeopleSite, links: Links) -> None:
    # It may be somebody else at the same machine who knows nothing of the link.
    alice = alice_at(site)
    url = set_out(alice)
    alice.sign_out()
    alice.sign_in("/auth/login/demo")
    refused(alice.browser.open(url), links)
    assert alice.who["sub"] == "alice"


def test_provider_has_ended_the_sign_in_meanwhile(site: PeopleSite, links: Links) -> None:
    alice = alice_at(site)
    url = set_out(alice)
    assert site.tell(site.token(sub="alice")).status_code == 200
    refused(alice.browser.open(url), links)


def test_ac06_link_of_mallory_is_completed_in_nobody_elses_browser(
    site: PeopleSite, other: DevelopmentProvider, links: Links
) -> None:
    site.provider.auto_sign_in = "bob"
    mallory = site.person("bob")
    mallory.sign_in("/auth/login/demo")
    site.provider.auto_sign_in = "alice"
    alice = alice_at(site)
    page = alice.browser.open(set_out(mallory))

    assert page.status == 400
    assert links.linked == []
    assert alice.who["sub"] == "alice"


def test_link_that_is_cancelled(site: PeopleSite, other: DevelopmentProvider, links: Links) -> None:
    alice = alice_at(site)
    fault = other.faults.on("callback")
    fault.edit(lambda pairs: [("error", "access_denied"), *[p for p in pairs if p[0] != "code"]])
    page = alice.post("/auth/link/other")

    assert page.status == 400
    assert "access_denied" in page.text
    assert links.linked == []
    assert alice.who["sub"] == "alice"


# -- unlinking -----------------------------------------------------------------------------


def test_unlink(site: PeopleSite, links: Links) -> None:
    heard: list[dict[str, Any]] = []
    alice = alice_at(site)
    with signals.account_unlinked.connected_to(lambda sender, **told: heard.append(told), site.app):
        page = alice.post("/auth/unlink/other", next="/who")

    assert page.url == f"{ORIGIN}/who"
    assert links.unlinked == [("alice", "other")]
    [told] = heard
    assert told.keys() == {"name", "identity"}
    assert (told["name"], told["identity"].sub) == ("other", "alice")
    assert alice.who["sub"] == "alice"


def test_application_may_refuse_to_unlink(site: PeopleSite, links: Links) -> None:
    heard: list[str] = []
    alice = alice_at(site)
    links.answer = flask.Response("This is your last way in.", 409)
    with signals.account_unlinked.connected_to(lambda sender, **told: heard.append("x"), site.app):
        page = alice.post("/auth/unlink/other")
    assert (page.status, page.text) == (409, "This is your last way in.")
    assert heard == []


@pytest.mark.parametrize("path", ROUTES)
def test_next_leads_nowhere_else(site: PeopleSite, path: str) -> None:
    assert alice_at(site).post(path, next="https://evil.test/").url == f"{ORIGIN}/"
