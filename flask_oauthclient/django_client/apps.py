"""The application for ``INSTALLED_APPS``."""

from __future__ import annotations

from django.apps import AppConfig


class OAuthClientConfig(AppConfig):
    """Django's application ``oauthclient``."""

    name = "flask_oauthclient.django_client"
    label = "oauthclient"
    verbose_name = "OAuth client"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let ``manage.py check`` look at the clients."""
        from .checks import register_checks

        register_checks()
