"""Let somebody authorize this program at an OAuth 1.0a server, from a terminal."""

import os

from flask_oauthclient.requests_client import OAuth1Session

server = os.environ["SERVER"]
credentials = os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"]
session = OAuth1Session(*credentials, redirect_uri="oob")
session.fetch_request_token(f"{server}/initiate")
print("Open this page:", session.create_authorization_url(f"{server}/authorize"))
session.fetch_access_token(f"{server}/token", verifier=input("What does it show? "))
session.redirect_uri = None  # the callback belongs to the dance, not to what follows

print(session.get(f"{server}/echo", params={"q": "snow ☃"}).json())
