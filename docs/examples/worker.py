"""A worker with a token of its own: fetched once, renewed whenever it has expired."""

import os

from flask_oauthclient.requests_client import OAuth2Session

session = OAuth2Session(
    os.environ["CLIENT_ID"],
    os.environ["CLIENT_SECRET"],
    token_endpoint=os.environ["TOKEN_ENDPOINT"],
    scope="jobs",
    update_token=lambda token, **old: print("A new token came."),
)
session.fetch_token(grant_type="client_credentials")
for _ in range(3):
    print(session.get(os.environ["API"]).status_code)
