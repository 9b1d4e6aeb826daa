"""The one registration: everything this app says about its provider."""

from __future__ import annotations

from flask_oauthclient import OAuth

from . import identity

oauth = OAuth()

# Client, issuer and API come from app.config: DEMO_CLIENT_ID, DEMO_ISSUER, ...
oauth.register("demo", fetch_token=identity.fetch_token, update_token=identity.update_token)
