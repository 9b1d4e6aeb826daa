"""Where the provider comes from."""

from __future__ import annotations

import pytest

from example_app import config
from example_app import create_app
from example_app.login import oauth


def test_without_an_issuer_the_environment_says_nothing() -> None:
    assert config.from_environment({"DEMO_CLIENT_ID": "x"}) == {}


def test_one_variable_points_at_another_issuer() -> None:
    assert config.from_environment(
        {
            "EXAMPLE_ISSUER": "https://op.test",
            "DEMO_CLIENT_ID": "me",
            "DEMO_CLIENT_SECRET": "hush",
        }
    ) == {"DEMO_ISSUER": "https://op.test", "DEMO_CLIENT_ID": "me", "DEMO_CLIENT_SECRET": "hush"}


def test_a_public_client_has_no_secret() -> None:
    found = config.from_environment({"EXAMPLE_ISSUER": "https://op.test", "DEMO_CLIENT_ID": "me"})
    assert "DEMO_CLIENT_SECRET" not in found


def test_an_issuer_without_a_client_is_explained() -> None:
    with pytest.raises(config.SettingsError, match="DEMO_CLIENT_ID is not"):
        config.from_environment({"EXAMPLE_ISSUER": "https://op.test"})


def test_the_factory_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXAMPLE_ISSUER", raising=False)
    with pytest.raises(config.SettingsError, match="python -m example_app"):
        create_app()


def test_the_factory_reads_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_ISSUER", "https://op.test")
    monkeypatch.setenv("DEMO_CLIENT_ID", "me")
    app = create_app()
    page = app.test_client().get("/").text
    assert "Sign in with op.test" in page
    assert "the development provider" not in page


def test_two_apps_share_neither_key_nor_tokens() -> None:
    one, two = (create_app({"DEMO_ISSUER": "https://op.test"}) for _ in range(2))
    assert one.config["SECRET_KEY"] != two.config["SECRET_KEY"]
    with one.app_context():
        oauth.demo.for_account(owner="alice").save_token({"access_token": "of-one"})
        assert oauth.demo.for_account(owner="alice").authorized
    with two.app_context():
        assert not oauth.demo.for_account(owner="alice").authorized
