"""The pages: what they show is escaped, works without scripts and is translated in full."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask import Blueprint
from flask import Flask
from flask import render_template
from flask_babel import Babel

from flask_oauthclient import flask_client
from flask_oauthclient.flask_client.words import words_of_request
from flask_oauthclient.protocol.error_codes import CODES
from flask_oauthclient.protocol.error_codes import REFUSALS
from flask_oauthclient.sign_in.pages import STATIC
from flask_oauthclient.sign_in.texts import FAILURES
from flask_oauthclient.sign_in.texts import OTHER
from flask_oauthclient.sign_in.texts import Words
from flask_oauthclient.sign_in.texts import translator

FOLDER = Path(flask_client.__file__).parent

HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "' autofocus onfocus='alert(1)",
    "%(provider)s %s %n {{ 7*7 }}",
    "\u202egnp.exe\u2066",
    "",
]


class Page(HTMLParser):
    """The elements of a page, and the text between them."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def tags(self) -> list[str]:
        return [tag for tag, _ in self.elements]


@pytest.fixture
def site(tmp_path: Path) -> Flask:
    """An application with the templates and the stylesheet, and no routes of ours."""
    site = Flask("site", root_path=str(tmp_path))
    pages = Blueprint(
        "oauthclient",
        flask_client.__name__,
        template_folder="templates",
        static_folder=STATIC,
        static_url_path="/static",
    )

    @pages.get("/language")
    def language() -> str:
        return words_of_request().language

    site.register_blueprint(pages, url_prefix="/auth")
    return site


def contexts(hostile: str) -> dict[str, dict[str, Any]]:
    provider = {"name": "one", "label": hostile, "url": "/auth/login/one"}
    return {
        "login.html": {"providers": [provider], "next": hostile},
        "error.html": {
            "title": hostile,
            "message": hostile,
            "code": hostile,
            "status": 400,
            "docs_url": "https://docs.example/errors.html#state-lost",
            "retry_url": "/auth/login/one",
            "next": hostile,
            "home_url": "/",
        },
        "signed_out.html": {"home_url": "/", "login_url": "/auth/login"},
    }


@pytest.fixture
def render(site: Flask) -> Iterator[Callable[..., Page]]:
    def render(template: str, words: Words | None = None, **values: Any) -> Page:
        with site.test_request_context("/auth/language"):
            words = words or translator([])
            values = {"stylesheet": "/auth/static/oauthclient.css", **values}
            return Page(render_template(f"oauthclient/{template}", words=words, **values))

    return render


TEMPLATES = sorted(contexts(""))


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("template", TEMPLATES)
def test_nothing_that_a_page_is_given_becomes_markup(
    render: Callable[..., Page], template: str, hostile: str
) -> None:
    page = render(template, **contexts(hostile)[template])
    harmless = render(template, **contexts("plain")[template])
    assert page.tags == harmless.tags
    assert [set(found) for _, found in page.elements] == [
        set(found) for _, found in harmless.elements
    ]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_a_page_is_given_arrives_unchanged(render: Callable[..., Page], hostile: str) -> None:
    page = render("login.html", **contexts(hostile)["login.html"])
    assert [field["value"] for field in page.all("input")] == [hostile]
    assert f"Continue with {hostile}" in page.text


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_strict_content_security_policy_takes_nothing_away(
    render: Callable[..., Page], template: str
) -> None:
    page = render(template, **contexts("plain")[template])
    attributes = {name for _, found in page.elements for name in found}
    assert not {"script", "style", "iframe", "object", "base", "img"} & set(page.tags)
    assert "style" not in attributes
    assert not {name for name in attributes if name.startswith("on")}
    assert [link["href"] for link in page.all("link")] == ["/auth/static/oauthclient.css"]


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_page_has_one_heading_a_title_and_a_language(
    render: Callable[..., Page], template: str
) -> None:
    page = render(template, translator(["de"]), **contexts("plain")[template])
    assert page.tags.count("h1") == page.tags.count("title") == page.tags.count("main") == 1
    assert page.all("html") == [{"lang": "de", "dir": "ltr"}]


def test_the_stylesheet_is_served_and_loads_nothing(site: Flask) -> None:
    answer = site.test_client().get("/auth/static/oauthclient.css")
    assert answer.mimetype == "text/css"
    assert "url(" not in answer.text
    assert "@import" not in answer.text
    answer.close()


def test_every_provider_has_a_form_of_its_own(render: Callable[..., Page]) -> None:
    providers = [{"name": n, "label": n.title(), "url": f"/auth/login/{n}"} for n in ("one", "two")]
    page = render("login.html", providers=providers, next="/seen?a=1&b=2")
    assert page.all("form") == [
        {"method": "post", "action": "/auth/login/one"},
        {"method": "post", "action": "/auth/login/two"},
    ]
    assert [field["value"] for field in page.all("input")] == ["/seen?a=1&b=2"] * 2


def test_a_login_page_without_providers_says_so(render: Callable[..., Page]) -> None:
    page = render("login.html", providers=[], next="/")
    assert "There is no way to sign in here yet." in page.text
    assert not page.all("form")


def test_an_error_without_explanation_or_second_try_offers_neither(
    render: Callable[..., Page],
) -> None:
    values = contexts("plain")["error.html"] | {"docs_url": None, "retry_url": None}
    page = render("error.html", **values)
    assert not page.all("form")
    assert [link["href"] for link in page.all("a")] == ["/"]


def test_an_error_page_starts_again_with_the_same_target(render: Callable[..., Page]) -> None:
    values = contexts("plain")["error.html"] | {"next": "/seen?a=1&b=2"}
    page = render("error.html", **values)
    assert page.all("form") == [{"method": "post", "action": "/auth/login/one"}]
    assert [(field["name"], field["value"]) for field in page.all("input")] == [
        ("next", "/seen?a=1&b=2")
    ]


def test_an_application_can_replace_the_frame(site: Flask, render: Callable[..., Page]) -> None:
    own = Path(site.root_path, "templates", "oauthclient")
    own.mkdir(parents=True)
    (own / "base.html").write_text("<nav></nav>{% block content %}{% endblock %}", "utf-8")
    page = render("signed_out.html", home_url="/", login_url="/auth/login")
    assert page.tags[:2] == ["nav", "h1"]


def test_every_text_of_a_page_is_a_string_of_the_catalogues() -> None:
    """What stands between the tags of the templates is nothing that stays English."""
    for template in (FOLDER / "templates/oauthclient").iterdir():
        source = re.sub(r"\{[#%{].*?[#%}]\}", "", template.read_text("utf-8"), flags=re.DOTALL)
        assert not Page(source).text.strip(), template.name


# -- which language ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de", "de"),
        ("de-AT,en;q=0.5", "de"),
        ("DE-ch", "de"),
        ("fr,es;q=0.8,de;q=0.5", "es"),
        ("de;q=0.5,es;q=0.9", "es"),
        ("en-GB,de;q=0.9", "en"),
        ("de;q=0,es;q=0.1", "es"),
        ("fr", "en"),
        ("*", "en"),
        ("", "en"),
        ("../../de", "en"),
        ("..", "en"),
        ("de\u00e9;q=x", "en"),
        ("x" * 8000, "en"),
    ],
)
def test_the_browser_chooses_the_language(site: Flask, accepted: str, language: str) -> None:
    answer = site.test_client().get("/auth/language", headers={"Accept-Language": accepted})
    assert answer.text == language


def test_an_active_flask_babel_chooses_the_language(site: Flask) -> None:
    Babel(site, locale_selector=lambda: "es_MX")
    answer = site.test_client().get("/auth/language", headers={"Accept-Language": "de"})
    assert answer.text == "es"


def test_a_flask_babel_that_is_not_active_here_has_no_say(site: Flask) -> None:
    Babel(Flask("other"), locale_selector=lambda: "es")
    answer = site.test_client().get("/auth/language", headers={"Accept-Language": "de"})
    assert answer.text == "de"


def _add(site: Flask, language: str, **messages: str) -> None:
    folder = Path(site.root_path, "translations", language, "LC_MESSAGES")
    folder.mkdir(parents=True)
    catalogue = Catalog(locale=language)
    for message, translation in messages.items():
        catalogue.add(message.replace("_", " "), translation)
    with (folder / "oauthclient.mo").open("wb") as file:
        write_mo(file, catalogue)


def test_an_application_adds_a_language_that_is_written_from_right_to_left(site: Flask) -> None:
    _add(site, "ar", Sign_in="تسجيل الدخول")
    with site.test_request_context("/", headers={"Accept-Language": "ar-EG"}):
        words = words_of_request()
    assert (words.language, words.direction) == ("ar", "rtl")
    assert words.gettext("Sign in") == "تسجيل الدخول"
    assert words.gettext("Try again") == "Try again"


def test_an_application_rewords_one_string_and_keeps_the_rest(site: Flask) -> None:
    _add(site, "de", Sign_in="Einloggen")
    with site.test_request_context("/", headers={"Accept-Language": "de"}):
        words = words_of_request()
    assert words.gettext("Sign in") == "Einloggen"
    assert words.gettext("Try again") == "Erneut versuchen"
    assert translator(["de"]).gettext("Sign in") == "Anmelden"


# -- failures ------------------------------------------------------------------------------


def test_only_codes_that_exist_have_a_text() -> None:
    assert set(FAILURES) <= set(CODES) | set(REFUSALS)


def test_every_refusal_of_a_provider_has_a_text() -> None:
    assert set(REFUSALS) <= set(FAILURES)


@pytest.mark.parametrize("code", ["something_new", "", "<script>"])
def test_an_unknown_code_has_the_text_for_anything_else(code: str) -> None:
    assert translator([]).failure(code) == OTHER


def test_codes_of_one_kind_share_a_text() -> None:
    words = translator([])
    assert words.failure("state_lost") == words.failure("state_expired")
    assert words.failure("provider_timeout") == words.failure("server_error")
    assert words.failure("access_denied").title == "Sign-in cancelled"
    assert words.failure("invalid_client").message == (
        "Sign-in is not set up correctly. Tell whoever runs this site."
    )


def test_a_failure_is_told_in_the_language_of_the_page() -> None:
    assert translator(["de"]).failure("access_denied").title == "Anmeldung abgebrochen"
    assert translator(["es"]).failure("access_denied").title == "Inicio de sesión cancelado"


def test_no_failure_speaks_of_protocols() -> None:
    said = " ".join(" ".join(text) for text in FAILURES.values()).lower()
    for word in ("oauth", "token", "state", "redirect", "callback", "client", "session"):
        assert word not in said
