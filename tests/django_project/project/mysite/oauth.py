"""The registry: those that we are a client of."""

from __future__ import annotations

from flask_oauthclient.django_client import DjangoTokenStore
from flask_oauthclient.django_client import OAuth

oauth = OAuth(token_store=DjangoTokenStore())
oauth.register("op")
oauth.register("posting")
oauth.register("photos")
