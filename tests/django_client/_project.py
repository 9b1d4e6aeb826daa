"""The Django project of these tests: one for the process, whose settings a test may replace."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
from django.conf import UserSettingsHolder
from django.conf import settings

from tests.helpers.site import SECRET_KEY


def configure() -> None:
    """Configure Django, unless that is done."""
    if settings.configured:
        return
    folder = Path(tempfile.mkdtemp(prefix="django_client"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings.configure(
        SECRET_KEY=SECRET_KEY,
        ALLOWED_HOSTS=["rp.test", "testserver", "localhost", "127.0.0.1", ".app.test"],
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "flask_oauthclient.django_client",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
            }
        ],
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "default.db"}
        },
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        ROOT_URLCONF="tests.django_client.urls",
        SESSION_COOKIE_NAME="session",
        USE_TZ=True,
    )
    django.setup()


#: What stands in the place of the settings, the last one in front, and the settings themselves.
_replacing: list[Any] = []
_lock = threading.Lock()


@contextmanager
def replaced(**changes: Any) -> Iterator[None]:
    """Replace settings without telling anybody, as if this were another project.

    Whatever was built of the settings before stays as it is. Several threads may be in the same
    project at a time, and leave it in any order.
    """
    with _lock:
        if not _replacing:
            _replacing.append(settings._wrapped)
        holder = UserSettingsHolder(settings._wrapped)
        for name, value in changes.items():
            setattr(holder, name, value)
        _replacing.append(holder)
        settings._wrapped = holder
    try:
        yield
    finally:
        with _lock:
            _replacing.remove(holder)
            settings._wrapped = _replacing[-1]
            if len(_replacing) == 1:
                _replacing.clear()
