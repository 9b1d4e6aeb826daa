"""Rows C16 to C26: modes, bodies, methods and codes."""

from __future__ import annotations

from urllib.parse import parse_qsl
from urllib.parse import urlencode

from flask_oauthclient.testing.browser import Visit
from flask_oauthclient.testing.provider import ClientRecord
from tests.helpers.cases import Cases
from tests.helpers.rejection import assert_rejected
from tests.helpers.site import CLIENT_ID
from tests.helpers.site import CLIENT_SECRET
from tests.helpers.site import ISSUER
from tests.helpers.site import Site
from tests.helpers.urls import query_of
from tests.helpers.urls import state_of
from tests.helpers.urls import with_params
from tests.helpers.world import World

cases = Cases()


def posted(visit: Visit) -> Visit:
    """The same answer as a form that the provider's page posts."""
    base, _, query = visit.url.partition("?")
    return Visit("POST", base, parse_qsl(query), f"{ISSUER}/authorize")


@cases.row("C16-query-for-form-post")
def query_though_form_post_was_asked_for(world: World) -> None:
    site = world.make_site()
    form = dict(site.begin(response_mode="form_post").data or ())
    visit = Visit("GET", f"{site.callback_url()}?{urlencode(form)}")
    assert_rejected(site, visit, "wrong_response_mode")


@cases.rows("C16-post-for-query", ["query", "fragment"])
def post_though_another_mode_was_asked_for(world: World, mode: str) -> None:
    site = world.make_site(origin="http://localhost:5000")
    visit = posted(site.begin(response_mode=mode))
    # The browser sends the cookies along where provider and site are one site.
    response = site.finish(Visit("POST", visit.url, visit.data, site.origin))
    assert response.text == "wrong_response_mode"
    assert world.provider.log.count("token") == 0


@cases.row("C16-fine")
def post_though_no_mode_was_asked_for(world: World) -> None:
    site = world.make_site()
    visit = posted(site.begin())
    assert site.finish(Visit("POST", visit.url, visit.data, site.origin)).status_code == 200


@cases.row("C16-form-post")
def form_post_across_sites(world: World) -> None:
    site = world.make_site()
    visit = site.begin(response_mode="form_post")
    assert visit.method == "POST"
    assert visit.initiator is not None
    assert visit.initiator.startswith(ISSUER)
    assert site.finish(visit).status_code == 200
    assert_rejected(site, visit, "state_used")


JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@cases.rows(
    "C17",
    {
        "json": (JSON, b'{"code": "c", "state": "s"}', "invalid_callback", 400),
        "multipart": ("multipart/form-data; boundary=b", b"--b--", "invalid_callback", 400),
        "text": ("text/plain", b"code=c&state=s", "invalid_callback", 400),
        "no-type": ("", b"code=c", "invalid_callback", 400),
        "large": (FORM, b"code=" + b"x" * 1_048_576, "callback_too_large", 413),
        "many": (FORM, b"a=1&" * 30_000, "callback_too_large", 413),
        "json-large": (JSON, b"[" * 1_048_576, "invalid_callback", 400),
    },
)
def post_that_is_no_small_form(world: World, sent: tuple[str, bytes, str, int]) -> None:
    kind, body, code, status = sent
    site = world.make_site()
    visit = site.begin()
    site.outbound.clear()
    url = f"{site.callback_url()}?{visit.url.partition('?')[2]}"
    answer = site.post_with(site.cookie_header(), url, body, {"Content-Type": kind})
    assert (answer.status_code, answer.text) == (status, code)
    assert site.outbound.paths == []
    assert site.finish(visit).status_code == 200


@cases.row("C17-empty")
def post_of_an_empty_form(world: World) -> None:
    site = world.make_site()
    site.begin()
    answer = site.post_with(site.cookie_header(), site.callback_url(), b"", {"Content-Type": FORM})
    assert (answer.status_code, answer.text) == (400, "missing_state")


@cases.row("C17-query-of-a-post")
def query_of_a_post_does_not_count(world: World) -> None:
    site = world.make_site()
    visit = Visit("POST", site.begin().url, [("x", "y")], site.origin)
    assert_rejected(site, visit, "missing_state", kept=True)


@cases.rows(
    "C18",
    {
        "id-token": {"id_token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJldmUifQ."},
        "access-token": {"access_token": "injected", "token_type": "Bearer"},
        "refresh-token": {"refresh_token": "injected", "expires_in": "1"},
    },
)
def tokens_of_the_front_channel_are_not_used(world: World, params: dict[str, str]) -> None:
    site = world.make_site()
    assert site.finish(with_params(site.begin(), **params)).json()["user"] == "alice"
    assert "injected" not in site.token.values()
    assert site.token["id_token"] not in params.values()


@cases.row("C20")
def unknown_parameters_are_ignored(world: World) -> None:
    site = world.make_site()
    more = {"session_state": "abc.def", "scope": "admin", "userinfo": "{}", "Code": "other"}
    visit = with_params(site.begin(), **more)
    assert site.finish(visit).status_code == 200
    twice = Visit("GET", with_params(site.begin(), **more).url + "&session_state=2")
    assert site.finish(twice).status_code == 200


@cases.rows(
    "C21",
    {
        "long": "x" * 8192,
        "crlf": "a\r\nHost: evil",
        "form": "a&code=b+c=d%",
        "utf8": "\u00e9\u4e16",
    },
)
def code_with_anything_in_it(world: World, code: str) -> None:
    site = world.make_site()
    assert_rejected(site, with_params(site.begin(), code=code), "invalid_grant", sent=["/token"])
    record = world.provider.log.find("token")[0]
    assert record.form["code"] == code
    assert set(record.form) == {"grant_type", "code", "redirect_uri", "code_verifier"}


@cases.rows("C22", ["PUT", "DELETE", "PATCH", "HEAD"])
def other_methods(world: World, method: str) -> None:
    site = world.make_site()
    visit = site.begin()
    site.outbound.clear()
    answer = site.send_with(site.cookie_header(), visit.url, method)
    assert answer.status_code == 405
    assert site.error.error == "method_not_allowed"
    assert site.outbound.paths == []
    assert site.finish(visit).status_code == 200


@cases.row("C24")
def stolen_code_with_the_state_of_the_thief(world: World) -> None:
    site = world.make_site()
    stolen = query_of(site.begin().url)["code"][0]
    with site.visited_by(site.new_browser()):
        visit = with_params(site.begin(), code=stolen)
        assert_rejected(site, visit, "invalid_grant", sent=["/token"])


@cases.row("C24-without-pkce")
def stolen_code_at_a_server_without_pkce(world: World) -> None:
    kwargs = {"scope": "openid", "code_challenge_method": None}
    site = world.make_site(register={"client_kwargs": kwargs})
    stolen = query_of(site.begin().url)["code"][0]
    with site.visited_by(site.new_browser()):
        visit = with_params(site.begin(), code=stolen)
        error = assert_rejected(site, visit, "invalid_claim", sent=["/token", "/jwks"])
    assert error.detail["claim"] == "nonce"


@cases.rows("C25", ["unknown", "demo2", "__class__", "register", "<script>"])
def client_that_is_not_registered(world: World, name: str) -> None:
    site = world.make_site()
    visit = site.begin()
    site.outbound.clear()
    answer = site.send_with(site.cookie_header(), visit.url.replace("/demo?", f"/{name}?"))
    assert answer.status_code == 404
    assert name not in answer.text
    assert state_of(visit) not in answer.text
    assert site.outbound.paths == []
    assert site.finish(visit).status_code == 200


def registered_at(site: Site, uri: str) -> None:
    site.provider.add_client(ClientRecord(CLIENT_ID, CLIENT_SECRET, redirect_uris=(uri,)))


@cases.rows(
    "C26",
    [
        "?from=op",
        "?a=1&b=2",
        "?a=%2F%20x",
        "?a=/+b",
        "?next=https%3A%2F%2Frp.test%2F%3Fx%3D1%26y%3D2",
        "?A=B&a=b",
        "?empty=",
    ],
)
def redirect_uri_is_the_same_to_the_byte(world: World, query: str) -> None:
    site = world.make_site()
    uri = site.callback_url() + query
    registered_at(site, uri)
    assert site.login(redirect_uri=uri).status_code == 200
    asked, traded = (world.provider.log.find(name)[-1] for name in ("authorize", "token"))
    assert asked.query["redirect_uri"] == traded.form["redirect_uri"] == uri
