"""The pages on Django: escaped, translated, the project's own where it has some."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from django.template.loader import render_to_string
from django.test import override_settings
from django.utils import translation

from flask_oauthclient import django_client
from flask_oauthclient.sign_in.pages import STATIC
from flask_oauthclient.sign_in.texts import translator
from tests.helpers.urls import with_params
from tests.sign_in._site import DENIED
from tests.sign_in._site import send
from tests.sign_in._site import send_alone

from ._views_site import Make
from ._views_site import ViewsSite

TEMPLATES = Path(django_client.__file__).parent / "templates" / "oauthclient"
FLASK = TEMPLATES.parents[2] / "flask_client" / "templates" / "oauthclient"
FOREIGN = {"Sec_Fetch_Site": "cross-site"}
HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "' autofocus onfocus='alert(1)",
    "%(provider)s %s %n {{ 7|add:7 }} {% now 'Y' %}",
    "",
]
STRINGS = re.compile(r'(?:text |gettext\()"([^"]*)"')
TAGS = re.compile(r"<(/?\w+)([^>]*)>")
#: What one language of templates calls otherwise than the other.
SAME = {'provider.label|slice:":1"|upper': "provider.label|first|upper"}


def markup(template: str) -> list[tuple[str, str]]:
    """The elements of a template with their attributes."""
    source = template
    for ours, theirs in SAME.items():
        source = source.replace(ours, theirs)
    return TAGS.findall(re.sub(r"\{(?:%.*?%|#.*?#)\}", "", source, flags=re.DOTALL))


@pytest.mark.parametrize("name", sorted(path.name for path in FLASK.iterdir()))
def test_templates_are_those_of_flask_in_django_s_language(name: str) -> None:
    ours = re.sub(
        r"\{% comment %\}.*?\{% endcomment %\}", "", (TEMPLATES / name).read_text(), flags=re.DOTALL
    )
    theirs = (FLASK / name).read_text()
    assert markup(ours) == markup(theirs)
    assert STRINGS.findall(ours) == STRINGS.findall(theirs)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_that_a_page_is_given_becomes_markup(hostile: str) -> None:
    words = translator([])
    provider = {"name": "one", "label": hostile, "url": "/auth/login/one"}
    values: dict[str, dict[str, Any]] = {
        "login": {"providers": [provider], "next": hostile},
        "error": {
            **dict.fromkeys(("title", "message", "code", "hint", "next", "docs_url"), hostile),
            "retry_url": "/auth/login/one",
        },
    }
    for name, context in values.items():
        template = f"oauthclient/{name}.html"
        found = render_to_string(template, {**context, "words": words})
        plain = {k: "plain" if v == hostile else v for k, v in context.items()}
        if name == "login":
            plain["providers"] = [{**provider, "label": "plain"}]
        expected = render_to_string(template, {**plain, "words": words})
        if hostile:
            assert [tag for tag, _ in TAGS.findall(found)] == [
                tag for tag, _ in TAGS.findall(expected)
            ]
        assert "<script" not in found
        assert "<img" not in found


def test_labels_stand_on_the_page(make_views_site: Make) -> None:
    site = make_views_site(labels={"demo": "<b>Ours & theirs</b>"})
    text = send_alone(site, "/auth/login", **FOREIGN).text
    assert "Continue with &lt;b&gt;Ours &amp; theirs&lt;/b&gt;" in text


def test_page_without_providers_says_so(make_views_site: Make) -> None:
    page = make_views_site(providers=[]).open("/auth/login")
    assert (page.status, page.forms) == (200, [])
    assert "There is no way to sign in here yet." in page.text


# -- the stylesheet --------------------------------------------------------------------------


def test_stylesheet_is_served_where_nobody_collects_static_files(views_site: ViewsSite) -> None:
    page = views_site.open("/auth/login/demo", next="/who")
    page = views_site.open("/auth/logout/callback")
    [href] = re.findall(r'<link rel="stylesheet" href="([^"]*)">', page.text)
    answer = send_alone(views_site, href)
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.content == (STATIC / "oauthclient.css").read_bytes()
    again = send_alone(views_site, href, If_None_Match=answer.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert send_alone(views_site, href, "HEAD").content == b""


# -- templates of the project ----------------------------------------------------------------


def engine(*, backend: str = "django.DjangoTemplates", **more: Any) -> dict[str, Any]:
    return {"TEMPLATES": [{"BACKEND": f"django.template.backends.{backend}", **more}]}


def test_project_may_have_a_page_of_its_own(make_views_site: Make, tmp_path: Path) -> None:
    (tmp_path / "oauthclient").mkdir()
    (tmp_path / "oauthclient" / "error.html").write_text("Oh: {{ code }} {{ status }} {{ next }}")
    site = make_views_site(config=engine(DIRS=[tmp_path], APP_DIRS=True))
    page = site.finish(with_params(site.begin(next="/who"), **DENIED))
    assert (page.status, page.text) == (400, "Oh: access_denied 400 /who")


def test_project_may_have_a_frame_of_its_own(make_views_site: Make, tmp_path: Path) -> None:
    (tmp_path / "oauthclient").mkdir()
    frame = "<nav>{{ request.path }}</nav>{% block content %}{% endblock %}"
    (tmp_path / "oauthclient" / "base.html").write_text(frame)
    processors = {"context_processors": ["django.template.context_processors.request"]}
    config = engine(DIRS=[tmp_path], APP_DIRS=True, OPTIONS=processors)
    text = send_alone(make_views_site(config=config), "/auth/login", **FOREIGN).text
    assert "<nav>/auth/login</nav>" in text
    assert "Continue with Demo" in text


@pytest.mark.parametrize(
    "config", [{"TEMPLATES": []}, engine(APP_DIRS=False)], ids=["none", "no-applications"]
)
def test_pages_need_no_engine_of_the_project(make_views_site: Make, config: dict[str, Any]) -> None:
    site = make_views_site(config=config)
    answer = send_alone(site, "/auth/login", **FOREIGN)
    assert (answer.status_code, "Continue with Demo" in answer.text) == (200, True)


def test_pages_need_no_installed_application(make_views_site: Make) -> None:
    apps = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
    with override_settings(INSTALLED_APPS=apps):
        answer = send_alone(make_views_site(), "/auth/login", **FOREIGN)
    assert (answer.status_code, "Continue with Demo" in answer.text) == (200, True)


# -- languages -------------------------------------------------------------------------------

LOCALE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("de", "de"), ("de-AT,en;q=0.5", "de"), ("es", "es"), ("fr", "en"), ("", "en")],
)
def test_language_that_django_has_chosen(
    make_views_site: Make, accepted: str, language: str
) -> None:
    site = make_views_site(config={"MIDDLEWARE": LOCALE})
    answer = send_alone(site, "/auth/login", Accept_Language=accepted, **FOREIGN)
    assert f'<html lang="{language}" dir="ltr">' in answer.text


def test_site_of_one_language(make_views_site: Make) -> None:
    site = make_views_site(config={"LANGUAGE_CODE": "es"})
    answer = send_alone(site, "/auth/login", Accept_Language="de", **FOREIGN)
    assert '<html lang="es"' in answer.text


def test_browser_chooses_where_django_does_not(make_views_site: Make) -> None:
    class Without:
        """Middleware that switches translations off."""

        def __init__(self, get_response: Any) -> None:
            self.get_response = get_response

        def __call__(self, request: Any) -> Any:
            translation.deactivate_all()
            try:
                return self.get_response(request)
            finally:
                translation.activate("en")

    globals()["Without"] = Without
    config = {"MIDDLEWARE": [f"{__name__}.Without", LOCALE[0], LOCALE[2]]}
    site = make_views_site(config=config)
    answer = send_alone(site, "/auth/login", Accept_Language="fr,de;q=0.5,es;q=0.1", **FOREIGN)
    assert '<html lang="de"' in answer.text


def test_project_rewords_a_string_and_adds_a_language(
    make_views_site: Make, tmp_path: Path
) -> None:
    for language, translated in {"de": "Eintreten", "ar": "تسجيل الدخول"}.items():
        folder = tmp_path / language / "LC_MESSAGES"
        folder.mkdir(parents=True)
        catalogue = Catalog(locale=language)
        catalogue.add("Sign in", translated)
        with (folder / "oauthclient.mo").open("wb") as file:
            write_mo(file, catalogue)
    config = {"LOCALE_PATHS": [str(tmp_path)], "MIDDLEWARE": LOCALE}
    site = make_views_site(config=config)
    answer = send_alone(site, "/auth/login", Accept_Language="de", **FOREIGN)
    assert "<h1>Eintreten</h1>" in answer.text
    assert "Weiter mit Demo" in answer.text
    answer = send_alone(site, "/auth/login", Accept_Language="ar", **FOREIGN)
    assert '<html lang="ar" dir="rtl">' in answer.text


def test_error_page_speaks_the_reader_s_language(make_views_site: Make) -> None:
    site = make_views_site(config={"MIDDLEWARE": LOCALE})
    answer = send(site, with_params(site.begin(), **DENIED), Accept_Language="de")
    assert '<html lang="de"' in answer.text
    assert "Anmeldung abgebrochen" in answer.text


@pytest.mark.parametrize("debug", [True, False])
def test_hint_is_for_the_developer_alone(make_views_site: Make, debug: bool) -> None:
    site = make_views_site(config={"DEBUG": debug})
    page = site.finish(with_params(site.begin(), iss=None))
    assert ("RFC 9207" in page.text) is debug


def test_page_links_to_what_the_code_means(make_views_site: Make) -> None:
    site = make_views_site(docs_url="https://docs.test/de/")
    page = site.finish(with_params(site.begin(), **DENIED))
    assert 'href="https://docs.test/de/errors.html#access-denied"' in page.text
