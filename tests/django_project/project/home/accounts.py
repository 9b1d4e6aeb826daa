"""Find the user whose account somebody has signed in with, or make one."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.db import IntegrityError
from django.db import transaction
from django.http import HttpRequest

from flask_oauthclient.django_client import LoginResult

from .models import Account


def on_login(request: HttpRequest, result: LoginResult) -> Any:
    """Say which user has signed in."""
    issuer, subject = result.key
    accounts = Account.objects.filter(issuer=issuer, subject=subject)
    if not accounts.exists():
        try:
            with transaction.atomic():
                name = result.userinfo.get("name", "")[:150]
                user = get_user_model().objects.create_user(uuid4().hex, first_name=name)
                Account.objects.create(user=user, issuer=issuer, subject=subject)
        except IntegrityError:
            pass  # another tab was faster
    return accounts.get().user
