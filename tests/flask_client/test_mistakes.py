"""What is told to a developer who has made one of the usual mistakes."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from flask_oauthclient import OAuthError
from flask_oauthclient import login_required
from flask_oauthclient.protocol.errors import InvalidSettingError

from ._site import ORIGIN
from ._site import BlueprintSite

Make = Callable[..., BlueprintSite]


@pytest.mark.parametrize("answer", [uuid.uuid4(), {"sub": "alice"}, True, 1.5, object(), "", []])
def test_answer_of_on_login_that_is_none(make_blueprint_site: Make, answer: Any) -> None:
    site = make_blueprint_site(on_login=lambda result: answer)
    site.app.config["PROPAGATE_EXCEPTIONS"] = True
    with pytest.raises(TypeError, match=r"on_login has to return the key of the person"):
        site.sign_in()
    assert site.who() == {}


@pytest.mark.parametrize("keyword", ["providers", "query_params", "keep_in_session"])
def test_one_string_is_no_list_of_names(site: BlueprintSite, keyword: str) -> None:
    with pytest.raises(InvalidSettingError, match=keyword):
        site.oauth.create_blueprint("second", **{keyword: "demo"})


@pytest.mark.parametrize(
    "settings",
    [
        {"providers": ["demo", "dmeo"]},
        {"labels": {"dmeo": "Demo"}},
        {"paths": {"callback": {"dmeo": "/authorized"}}},
    ],
)
def test_name_of_no_client(make_blueprint_site: Make, settings: dict[str, Any]) -> None:
    site = make_blueprint_site(**settings)
    site.app.config["PROPAGATE_EXCEPTIONS"] = True
    for _ in range(2):
        with pytest.raises(InvalidSettingError, match="create_blueprint names dmeo"):
            site.open("/auth/login")


def test_scopes_may_be_one_string(site: BlueprintSite) -> None:
    @site.app.get("/notes")
    @login_required(scopes="email api")
    def notes() -> str:
        return "notes"

    page = site.browser.sign_in(f"{ORIGIN}/notes")
    assert page.text == "notes"
    assert site.who()["scopes"] == ["openid", "profile", "email", "api"]


@pytest.mark.parametrize("max_age", ["300", 1.5, -1])
def test_max_age_that_is_none(max_age: Any) -> None:
    with pytest.raises(InvalidSettingError, match="max_age"):
        login_required(max_age=max_age)


@pytest.mark.parametrize("client_id", [123456789, "123456789"])
def test_client_id_of_digits_alone(make_blueprint_site: Make, client_id: Any) -> None:
    site = make_blueprint_site(config={"OTHER_CLIENT_ID": client_id}, more={"other": {}})
    site.oauth.register(
        "other", authorize_url="https://x.test/a", access_token_url="https://x.test/t"
    )
    with site.app.test_request_context():
        assert site.oauth.other.client_id == "123456789"


@pytest.mark.parametrize("secret", [12e3, True])
def test_secret_that_was_read_as_something_else(make_blueprint_site: Make, secret: Any) -> None:
    site = make_blueprint_site(config={"OTHER_CLIENT_SECRET": secret}, more={"other": {}})
    with (
        site.app.test_request_context(),
        pytest.raises(InvalidSettingError, match=r"quote it: '\"12e3\"'"),
    ):
        _ = site.oauth.other.client_secret


def test_setting_that_is_missing_is_an_error_in_the_log(
    make_blueprint_site: Make, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_blueprint_site(more={"other": {"client_id": "x"}})
    with caplog.at_level(logging.ERROR):
        page = site.open("/auth/login/other")
    assert page.status == 500
    [record] = caplog.records
    assert 'Missing "authorize_url" value. Configure it, or the issuer' in record.getMessage()


def test_error_of_the_application_has_its_own_words(make_blueprint_site: Make) -> None:
    def on_login(result: Any) -> str:
        raise OAuthError("not_invited", "You are not <invited>.")

    page = make_blueprint_site(on_login=on_login).sign_in()
    assert page.status == 403
    assert "You are not &lt;invited&gt;." in page.text
    assert "not_invited" in page.text
    assert "What does this mean?" not in page.text


@pytest.mark.parametrize(
    ("docs_url", "link"),
    [
        (None, "https://flask-oauthclient.readthedocs.io/en/stable/errors.html#missing-state"),
        ("https://docs.test/", "https://docs.test/errors.html#missing-state"),
        ("", None),
    ],
)
def test_link_to_the_documentation(
    make_blueprint_site: Make, docs_url: str | None, link: str | None
) -> None:
    page = make_blueprint_site(docs_url=docs_url).open("/auth/callback/demo", code="c")
    assert ("What does this mean?" in page.text) is (link is not None)
    assert link is None or f'href="{link}"' in page.text
