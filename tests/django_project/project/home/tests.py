"""The project's own tests, for ``manage.py test``."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.staticfiles.testing import StaticLiveServerTestCase
from django.test import TestCase
from django.test import override_settings
from mysite.oauth import oauth

from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.provider import DEMO_CLIENT_ID
from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import DevelopmentProvider


class WithProvider:
    """A provider beside each test."""

    def setUp(self) -> None:
        """Start the provider, and let the settings name it."""
        super().setUp()  # type: ignore[misc]
        provider = DevelopmentProvider(debug=True)
        stack = ExitStack()
        stack.enter_context(provider.serve())
        client = {
            "issuer": provider.issuer,
            "api_base_url": provider.issuer,
            "client_id": DEMO_CLIENT_ID,
            "client_secret": DEMO_CLIENT_SECRET,
            "client_kwargs": {"scope": "openid profile email"},
        }
        settings = {"OAUTHCLIENT_CLIENTS": {"op": client}, "FILES_URL": "userinfo"}
        stack.enter_context(override_settings(**settings))
        self.addCleanup(stack.close)  # type: ignore[attr-defined]
        self.provider = provider


class SignInTests(WithProvider, StaticLiveServerTestCase):
    """A browser, and the project on Django's live server."""

    def test_sign_in_and_out(self) -> None:
        """Somebody signs in, becomes a user, and signs out."""
        with ScriptedBrowser() as browser:
            page = browser.sign_in(f"{self.live_server_url}/auth/login/op?next=/", persona="alice")
            assert "Alice Example" in page.text
            user = get_user_model().objects.get()
            assert user.first_name == "Alice Example"
            assert oauth.op.for_account(user.pk).token is not None
            assert "of <b>alice</b>" in browser.open(f"{self.live_server_url}/files").text
            page = browser.submit(page, press=["Sign out"])
            assert "You are signed out" in page.text
            assert "nobody" in browser.open(self.live_server_url).text


class FilesTests(WithProvider, TestCase):
    """Views, without a login."""

    def test_files_without_a_token(self) -> None:
        """A user without a token is sent to sign in."""
        self.client.force_login(get_user_model().objects.create_user("alice"))
        response: Any = self.client.get("/files")
        assert response.status_code == 303
        assert response["Location"].startswith("/auth/login/op")

    def test_token_is_kept_as_long_as_the_test_lasts(self) -> None:
        """What a test keeps is undone with its transaction, as all that it does."""
        user = get_user_model().objects.create_user("alice")
        client = oauth.op.for_account(user.pk)
        assert client.token is None
        client.save_token({"access_token": "made-up", "token_type": "Bearer"})
        self.client.force_login(user)
        response: Any = self.client.get("/files")
        self.assertContains(response, "<b>401</b>", status_code=502)  # it is not the provider's

    test_token_is_kept_no_longer = test_token_is_kept_as_long_as_the_test_lasts
