"""What becomes of a ``next`` in a Location header and in a login."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from urllib.parse import unquote

import flask
import pytest
from flask.typing import ResponseReturnValue
from werkzeug.test import EnvironBuilder
from werkzeug.utils import redirect

from flask_oauthclient.sign_in.next_url import safe_next
from tests.helpers.cases import Cases
from tests.sign_in._hostile_targets import GOOD
from tests.sign_in._hostile_targets import nasty
from tests.sign_in._hostile_targets import stays_here

from ._site import ORIGIN
from ._site import BlueprintSite

# -- what becomes of it in a Location header -------------------------------------------------


class AbsoluteLocation(flask.Response):
    """Werkzeug's way of before 2.1, which applications may ask for."""

    autocorrect_location_header = True


def header_of(target: str, response: type[flask.Response] = flask.Response) -> str:
    """The Location that a server is given for a redirect from a page of ours."""
    environ = EnvironBuilder("/auth/callback/demo", base_url=ORIGIN).get_environ()
    answer = redirect(target, Response=response)
    return answer.get_wsgi_headers(environ)["Location"]


def accepted() -> list[str]:
    """Everything that gets through, of what is made up here."""
    made_up = [*GOOD, *nasty(3000, seed=5849)]
    return [target for target in made_up if safe_next(target, default="refused") == target]


def parts(target: str) -> list[str]:
    """Path, query and fragment, decoded."""
    rest, _, fragment = target.partition("#")
    path, _, query = rest.partition("?")
    return [unquote(part) for part in (path, query, fragment)]


def test_redirect_keeps_the_target() -> None:
    for target in accepted():
        location = header_of(target)
        assert location.isascii()
        assert location.isprintable()
        assert stays_here(location), target
        assert parts(location) == parts(target)


def test_redirect_keeps_what_is_encoded_letter_by_letter() -> None:
    plain = re.compile(r"/[\w%./@~$!*(),;=+:&'#?-]*[^?#]", re.ASCII)
    targets = [target for target in GOOD if plain.fullmatch(target)]
    assert len(targets) > 20
    assert [header_of(target) for target in targets] == targets


def test_absolute_redirect_keeps_the_target() -> None:
    for target in accepted():
        location = header_of(target, AbsoluteLocation)
        assert location.startswith(f"{ORIGIN}/"), target
        assert not location.startswith(f"{ORIGIN}//"), target
        # The standard library's urljoin drops a semicolon that nothing follows.
        assert parts(location.removeprefix(ORIGIN))[0].rstrip(";") == parts(target)[0].rstrip(";")


@pytest.mark.parametrize(
    "text", ["\r\n", "%0d%0a", "%250d%250a", "\u560d\u560a", "%E5%98%8D%E5%98%8A", "\x85", "\u2028"]
)
@pytest.mark.parametrize("form", ["/x{}Set-Cookie:a=b", "/x?y={}Set-Cookie:a=b", "/x#{}Location:y"])
def test_n10_no_header_is_split(form: str, text: str) -> None:
    location = header_of(safe_next(form.format(text)))
    assert len(location.splitlines()) == 1
    assert len(location.encode("latin-1").splitlines()) == 1


# -- in a login ------------------------------------------------------------------------------

in_a_login = Cases()


@in_a_login.row("N16-stored")
def refused_before_it_is_stored(site: BlueprintSite) -> None:
    with site.app.test_client() as client:
        client.get("/auth/login/demo?next=//evil.test/", base_url=ORIGIN)
        with client.session_transaction(base_url=ORIGIN) as session:
            assert "evil.test" not in repr(dict(session))
            assert len(session) > 0


@in_a_login.row("N16-used")
def refused_when_it_is_used(site: BlueprintSite) -> None:
    @site.app.get("/begin")
    def begin() -> ResponseReturnValue:
        redirect_uri = f"{ORIGIN}/auth/callback/demo"
        response: ResponseReturnValue = site.oauth.demo.authorize_redirect(
            redirect_uri, extra={"next": "/\\evil.test"}
        )
        return response

    page = site.browser.sign_in(f"{ORIGIN}/begin")
    assert (page.url, site.who()["sub"]) == (f"{ORIGIN}/", "alice")


@in_a_login.row("N17")
def next_is_not_in_the_request(site: BlueprintSite) -> None:
    target = "/private/of-this-person?x=y"
    answer = site.app.test_client().get(
        "/auth/login/demo", query_string={"next": target}, base_url=ORIGIN
    )
    url = unquote(unquote(answer.headers["Location"]))
    assert url.startswith("https://op.test/")
    assert "of-this-person" not in url
    # In Base64 a text has one of three looks, by where in it it begins.
    for before in range(3):
        encoded = base64.urlsafe_b64encode(b"_" * before + b"of-this-person").decode()
        assert encoded[4:-4] not in url


@pytest.mark.parametrize("case", in_a_login.params())
def test_in_a_login(case: Callable[[BlueprintSite], None], site: BlueprintSite) -> None:
    case(site)
