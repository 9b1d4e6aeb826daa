"""One login through nginx: what the provider is told, which cookies are set, where one ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin
from urllib.parse import urlsplit

import pytest
import requests

from flask_oauthclient.testing.browser import Page
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.browser import Visit
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.deployment._app import CLIENT_ID
from tests.deployment._app import CLIENT_SECRET
from tests.deployment._app import HOST
from tests.deployment._deployment import Deployment
from tests.helpers.urls import query_of
from tests.servers.nginx import FORWARDED

Deploy = Callable[..., Deployment]
#: Their own name and address: what nginx sends without a word about headers.
NOT_FORWARDED: Mapping[str, str] = {}


def sign_in(site: Deployment, browser: ScriptedBrowser, path: str = "/private") -> Page:
    """Open a page that needs a sign-in, as somebody who is signed in at the provider."""
    return browser.sign_in(site.url + path)


def sign_out(site: Deployment, browser: ScriptedBrowser) -> Page:
    """Press the button that signs out here and at the provider."""
    left = browser.send(Visit("POST", f"{site.url}/auth/logout", [], f"{site.url}/private"))
    assert left.status_code in (302, 303), left.text
    return browser.open(urljoin(f"{site.url}/auth/logout", left.headers["Location"]))


def end_of(page: Page) -> tuple[str, int]:
    """Where a walk ended, and how; a query may have a code in it, which no test may show."""
    return page.url.partition("?")[0], page.status


def redirect_uris(page: Page) -> list[str]:
    """The redirect URIs of all authorization requests on the way to a page."""
    urls = [visit.url for visit in page.history if "/authorize?" in visit.url]
    return [query_of(url)["redirect_uri"][0] for url in urls]


def visited(page: Page) -> list[str]:
    """The addresses of the application on the way to a page."""
    return [visit.url for visit in page.history if urlsplit(visit.url).hostname == HOST]


def cookies_of(browser: ScriptedBrowser) -> dict[str, Any]:
    """The cookies for the application, by the beginning of their names."""
    ours = [cookie for cookie in browser.cookies if cookie.domain == HOST]
    return {re.sub(r"oac_.*", "oac_", cookie.name): cookie for cookie in ours}


@pytest.mark.parametrize("cache", ["none", "redis"])
def test_with_proxy_fix_everything_is_https(
    deploy: Deploy, op: DevelopmentProvider, request: pytest.FixtureRequest, cache: str
) -> None:
    redis_url = request.getfixturevalue("redis_url") if cache == "redis" else None
    site = deploy(workers=4, redis_url=redis_url)
    browser = site.browser()
    page = sign_in(site, browser)
    assert end_of(page) == (f"{site.url}/private", 200)
    assert page.response.json() == {"sub": "alice"}
    assert redirect_uris(page) == [f"{site.url}/auth/callback/demo"]
    cookies = cookies_of(browser)
    assert cookies["__Host-oac_"].secure
    assert "oac_" not in cookies
    assert end_of(sign_out(site, browser)) == (f"{site.url}/auth/logout/callback", 200)
    assert browser.open(f"{site.url}/private").history[1].url.startswith(f"{site.url}/auth/login")
    assert {urlsplit(url).scheme for url in visited(page)} == {"https"}
    assert op.log.count("token") >= 1
    assert [line for line in site.warnings() if "plain http" in line] == []


def test_a_visitor_by_plain_http_is_sent_to_tls_and_signs_in(deploy: Deploy) -> None:
    site = deploy()
    page = site.browser().sign_in(f"http://{HOST}/private")
    assert end_of(page) == (f"{site.url}/private", 200)


def test_below_a_prefix(deploy: Deploy, op: DevelopmentProvider) -> None:
    site = deploy(prefix="/app")
    browser = site.browser()
    page = sign_in(site, browser)
    assert end_of(page) == (f"https://{HOST}/app/private", 200)
    assert redirect_uris(page) == [f"https://{HOST}/app/auth/callback/demo"]
    assert all(urlsplit(url).path.startswith("/app/") for url in visited(page))
    cookies = cookies_of(browser)
    assert cookies["__Host-oac_"].path == "/"  # as its name demands
    assert {cookie.path for cookie in cookies.values()} <= {"/", "/app", "/app/auth/logout"}

    left = sign_out(site, browser)
    assert end_of(left) == (f"{site.url}/auth/logout/callback", 200)
    [ended] = op.log.find("end_session")
    assert {**ended.query, **ended.form}["post_logout_redirect_uri"] == (
        f"{site.url}/auth/logout/callback"
    )
    [style] = re.findall(r'<link rel="stylesheet" href="([^"]+)"', left.text)
    assert style.startswith("/app/auth/")
    sheet = browser.send(Visit("GET", urljoin(left.url, style)))
    assert (sheet.status_code, sheet.headers["Content-Type"].partition(";")[0]) == (200, "text/css")
    assert sheet.text.strip()
    links = re.findall(r'(?:href|action)="([^"]*)"', left.text)
    assert links
    assert all(link.startswith("/app/") for link in links)


def test_next_below_a_prefix(deploy: Deploy) -> None:
    site = deploy(prefix="/app")
    page = site.browser().sign_in(f"{site.url}/auth/login/demo?next=/app/page/7")
    assert (page.url, page.text) == (f"{site.url}/page/7", "page 7")
    page = site.browser().sign_in(f"{site.url}/auth/login/demo?next=//evil.test/app/")
    assert (page.url, page.text) == (f"{site.url}/", "the front page")


TWO_PROXIES = {"x_for": 2, "x_proto": 2, "x_host": 2, "x_prefix": 2}


@pytest.mark.parametrize("proxy_fix", [TWO_PROXIES, {}], ids=["wrong-number", "no-proxy-fix"])
def test_what_the_application_does_not_know_is_in_the_log(
    deploy: Deploy, proxy_fix: dict[str, int]
) -> None:
    site = deploy(workers=1, proxy_fix=proxy_fix)
    for _ in range(2):
        page = sign_in(site, site.browser())
        assert redirect_uris(page) == [f"http://{HOST}/auth/callback/demo"]
        # The provider knows no such redirect URI, and says so on a page of its own.
        assert page.status == 400
        assert urlsplit(page.url).hostname != HOST
    said = site.warnings()
    assert len([line for line in said if "plain http" in line]) == 1
    assert "    from werkzeug.middleware.proxy_fix import ProxyFix" in said
    assert "There is a ProxyFix, but for another number" in "".join(said) or not proxy_fix


def test_a_plain_redirect_uri_that_the_provider_takes_works_all_the_same(
    deploy: Deploy, op: DevelopmentProvider
) -> None:
    callback = f"http://{HOST}/auth/callback/demo"
    op.add_client(ClientRecord(CLIENT_ID, CLIENT_SECRET, redirect_uris=(callback,)))
    site = deploy(workers=1, proxy_fix=TWO_PROXIES)
    page = sign_in(site, site.browser())
    assert redirect_uris(page) == [callback]
    assert end_of(page) == (f"{site.url}/private", 200)
    assert any("ProxyFix" in line for line in site.warnings())


@pytest.mark.parametrize("forwarded", [FORWARDED, NOT_FORWARDED], ids=["forwarded", "silent"])
@pytest.mark.parametrize("secure", [False, True])
def test_base_url_in_place_of_proxy_fix(
    deploy: Deploy, forwarded: Mapping[str, str], secure: bool
) -> None:
    config = {"OAUTHCLIENT_BASE_URL": f"https://{HOST}", "SESSION_COOKIE_SECURE": secure}
    site = deploy(proxy_fix={}, forwarded=forwarded, config=config)
    browser = site.browser()
    page = sign_in(site, browser)
    assert end_of(page) == (f"{site.url}/private", 200)
    assert redirect_uris(page) == [f"{site.url}/auth/callback/demo"]
    # Flask's own cookie is for the application to secure; ours follow the address.
    flags = {name: cookie.secure for name, cookie in cookies_of(browser).items()}
    assert flags.pop("session") == secure
    assert set(flags.values()) == {True}
    left = sign_out(site, browser)
    assert end_of(left) == (f"{site.url}/auth/logout/callback", 200)
    assert [line for line in site.warnings() if "plain http" in line] == []


FORGED = {
    "X-Forwarded-Host": "evil.test",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-For": "192.0.2.66, 192.0.2.67",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Port": "8080",
    "X-Forwarded-Server": "evil.test",
    "Forwarded": "host=evil.test;proto=http",
}


def begin(site: Deployment, **headers: str) -> requests.Response:
    """Begin a login with headers that no browser sends."""
    browser = site.browser()
    url = f"{site.url}/auth/login/demo"
    request = requests.Request("GET", url, headers=headers).prepare()
    return browser.session.send(request, allow_redirects=False, verify=browser.verify)


def test_what_a_visitor_forges_the_proxy_replaces(deploy: Deploy) -> None:
    site = deploy(prefix="/app")
    for headers in (*({name: value} for name, value in FORGED.items()), FORGED):
        [uri] = query_of(begin(site, **headers).headers["Location"])["redirect_uri"]
        assert uri == f"{site.url}/auth/callback/demo"


def test_a_forged_host_is_refused_where_hosts_are_known(deploy: Deploy) -> None:
    site = deploy(config={"TRUSTED_HOSTS": [HOST]})
    assert begin(site).status_code == 302
    answer = begin(site, Host="evil.test")
    assert (answer.status_code, answer.headers.get("Location")) == (400, None)


def test_a_forged_host_changes_nothing_where_the_base_url_is_known(deploy: Deploy) -> None:
    site = deploy(config={"OAUTHCLIENT_BASE_URL": f"https://{HOST}"})
    [uri] = query_of(begin(site, Host="evil.test").headers["Location"])["redirect_uri"]
    assert uri == f"{site.url}/auth/callback/demo"
