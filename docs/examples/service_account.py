"""A service account: whoever holds the private key gets tokens, without a user or a secret."""

import os
from pathlib import Path

from flask_oauthclient.requests_client import AssertionSession

session = AssertionSession(
    os.environ["TOKEN_ENDPOINT"],
    issuer=os.environ["CLIENT_ID"],
    subject=os.environ["CLIENT_ID"],
    audience=os.environ["ISSUER"],
    key=Path(os.environ["KEY_FILE"]).read_text(),
    alg="ES256",
)
print(session.get(os.environ["API"]).status_code)
