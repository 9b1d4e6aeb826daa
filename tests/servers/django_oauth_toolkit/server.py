"""django-oauth-toolkit as an OpenID provider under the path ``/o``, for the tests.

``python server.py DATABASE_FILE``, in an environment of its own. It prints one line of JSON,
``{"issuer": ...}``, when it listens on a free loopback port. The one user is alice, password
``alice-password``; the clients are below.
"""

from __future__ import annotations

import json
import os
import sys
from socketserver import ThreadingMixIn
from typing import ClassVar
from wsgiref.simple_server import WSGIRequestHandler
from wsgiref.simple_server import WSGIServer
from wsgiref.simple_server import make_server

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

LOGIN_PAGE = (
    '<form method="post">{% csrf_token %}{{ form.as_p }}'
    '<input type="hidden" name="next" value="{{ next }}"><button>Sign in</button></form>'
)


def private_key() -> str:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem.decode()


os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # plain http, on loopback
settings.configure(
    SECRET_KEY="only-for-tests-" * 4,
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF="__main__",
    LOGIN_URL="/login/",
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # quick, for tests
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": sys.argv[1],
            "OPTIONS": {"timeout": 20},
        }
    },
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "oauth2_provider",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "loaders": [
                    (
                        "django.template.loaders.locmem.Loader",
                        {"registration/login.html": LOGIN_PAGE},
                    ),
                    "django.template.loaders.app_directories.Loader",
                ],
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                ],
            },
        }
    ],
    OAUTH2_PROVIDER={
        "OIDC_ENABLED": True,
        "OIDC_RSA_PRIVATE_KEY": private_key(),
        "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
        "OIDC_RP_INITIATED_LOGOUT_ALWAYS_PROMPT": False,
        "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
        "PKCE_REQUIRED": True,
        "SCOPES": {"openid": "Sign in", "profile": "Name", "email": "Address", "read": "Read"},
        "ROTATE_REFRESH_TOKEN": True,
        "REFRESH_TOKEN_REUSE_PROTECTION": True,
        "ALLOWED_REDIRECT_URI_SCHEMES": ["http", "https"],
        "OAUTH2_VALIDATOR_CLASS": "__main__.Validator",
    },
)
django.setup()

from django.contrib.auth import get_user_model
from django.contrib.auth.views import LoginView
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include
from django.urls import path
from oauth2_provider.models import Application
from oauth2_provider.oauth2_validators import OAuth2Validator


class Validator(OAuth2Validator):
    """Adds the claims of the scopes ``email`` and ``profile``."""

    oidc_claim_scope: ClassVar = {
        **OAuth2Validator.oidc_claim_scope,
        "email": "email",
        "name": "profile",
    }

    def get_additional_claims(self, request):
        return {"email": request.user.email, "name": request.user.get_full_name()}


urlpatterns = [
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("login/", LoginView.as_view()),
]


def fill_database() -> None:
    call_command("migrate", verbosity=0)
    get_user_model().objects.create_user(
        "alice", "alice@example.com", "alice-password", first_name="Alice", last_name="Example"
    )
    common = {
        "redirect_uris": "http://localhost/callback",
        "post_logout_redirect_uris": "http://localhost/bye",
        "client_type": "confidential",
        "authorization_grant_type": "authorization-code",
    }
    Application.objects.create(
        client_id="rs256", client_secret="rs256-secret", algorithm="RS256", **common
    )
    # HS256 signs with the secret itself, so this one cannot be kept as a hash.
    Application.objects.create(
        client_id="hs256",
        client_secret="hs256-secret-0123456789-0123456789-0123",
        hash_client_secret=False,
        algorithm="HS256",
        **common,
    )


class ThreadingServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing; errors are on standard error anyway."""


def main() -> None:
    fill_database()
    application = get_wsgi_application()
    with make_server("127.0.0.1", 0, application, ThreadingServer, QuietHandler) as server:
        print(json.dumps({"issuer": f"http://127.0.0.1:{server.server_port}/o"}), flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
