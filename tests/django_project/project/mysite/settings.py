"""Settings, some of them from the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

BASE_DIR = Path(__file__).parents[1]


def database(url: str) -> dict[str, Any]:
    """An entry of ``DATABASES``."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": parts.path}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": parts.username,
        "HOST": parts.hostname,
        "PORT": parts.port,
    }


SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
DATABASES = {"default": database(os.environ.get("DATABASE_URL", f"sqlite://{BASE_DIR}/db.sqlite3"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "flask_oauthclient.django_client",
    "home",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "flask_oauthclient.django_client.middleware.OAuthClientMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ]
        },
    }
]
ROOT_URLCONF = "mysite.urls"
WSGI_APPLICATION = "mysite.wsgi.application"
STATIC_URL = "static/"

LOGIN_URL = "oauthclient:login"

_OPENID = {
    "issuer": os.environ["OP_ISSUER"],
    "api_base_url": os.environ["OP_ISSUER"],
    "client_kwargs": {"scope": "openid profile email"},
}
OAUTHCLIENT_CLIENTS: dict[str, dict[str, Any]] = {
    "op": {
        "client_id": os.environ["OP_CLIENT_ID"],
        "client_secret": os.environ["OP_CLIENT_SECRET"],
        **_OPENID,
    },
    "posting": {
        "client_id": os.environ["POSTING_CLIENT_ID"],
        "client_secret": os.environ["POSTING_CLIENT_SECRET"],
        "authorize_params": {"response_mode": "form_post"},
        **_OPENID,
    },
    "photos": {
        "client_id": os.environ["PHOTOS_CLIENT_ID"],
        "client_secret": os.environ["PHOTOS_CLIENT_SECRET"],
        "request_token_url": f"{os.environ['PHOTOS_URL']}/initiate",
        "authorize_url": f"{os.environ['PHOTOS_URL']}/authorize",
        "access_token_url": f"{os.environ['PHOTOS_URL']}/token",
        "api_base_url": os.environ["PHOTOS_URL"],
    },
}

#: Where the API has the files, below the address of the client.
FILES_URL = "me"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {
        "file": {
            "class": "logging.FileHandler",
            "filename": os.environ.get("LOG_FILE", os.devnull),
            "delay": True,
        }
    },
    "root": {"handlers": ["file"], "level": "DEBUG"},
}
