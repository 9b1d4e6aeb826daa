"""An OAuth 1.0a provider on the server half of oauthlib, for the tests.

``python server.py``, in an environment of its own. It prints one line of JSON when it listens on a
free loopback port: ``base_url``, ``client_id``, ``client_secret`` and ``rsa_key``, the private key
in PEM that the client may sign with instead of its secret.

    POST      /initiate    temporary credentials (RFC 5849 2.1)
    GET, POST /authorize   the page that asks, and what the user says (2.2)
    POST      /token       token credentials (2.3)
    any       /echo        the protected resource: who asks, and what arrived (3)

Beside the protocol there is a remote control for the test that started it:

    POST /admin/settings  {...}   change some of ``DEFAULTS``; {} only reads them
    POST /admin/reset             settings as at the start; no tokens, no nonces, an empty log
    GET  /admin/log               the requests seen, oldest first, without any secret
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from copy import deepcopy
from typing import Any
from urllib.parse import parse_qsl
from urllib.parse import urlencode

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask
from flask import Response
from flask import g
from flask import render_template_string
from flask import request
from oauthlib import oauth1
from oauthlib.oauth1.rfc5849.errors import OAuth1Error
from oauthlib.oauth1.rfc5849.signature import collect_parameters
from validator import Store
from validator import Validator
from werkzeug.serving import WSGIRequestHandler
from werkzeug.serving import make_server

FORM = "application/x-www-form-urlencoded"
AUTHORIZE_PAGE = """<!doctype html><title>Authorize</title>
<form method="post" action="/authorize">
<input type="hidden" name="oauth_token" value="{{ token }}">
<label>User <input name="user" value="alice"></label>
<button name="answer" value="allow">Allow</button>
<button name="answer" value="deny">Deny</button>
</form>"""
HASHES = {"SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512"}
DEFAULTS: dict[str, Any] = {
    "callback_confirmed": "true",  # what `oauth_callback_confirmed` says; null leaves it out
    "status": 200,  # of answers with credentials; some providers say 201
    "json": False,  # credentials as JSON, as some providers give them
    "token_fields": {},  # more fields beside the token credentials
    "client_secret": None,  # another one than at the start
    "body_hash": False,  # whether a body that is no form must come with `oauth_body_hash`
    "answers": {},  # per path an answer given instead: {"status", "headers", "body"}
}

settings: dict[str, Any] = deepcopy(DEFAULTS)
log: list[dict[str, Any]] = []
app = Flask(__name__)


def key_pair() -> tuple[str, str]:
    """A private and its public RSA key, in PEM."""
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


RSA_KEY, RSA_PUBLIC_KEY = key_pair()
# Key and secret are joined with "&" (3.4.2): a secret in need of escaping shows who forgets it.
CLIENT_SECRET = f"{secrets.token_hex(8)} &=%+/ü"
store = Store(secrets.token_hex(12), CLIENT_SECRET, RSA_PUBLIC_KEY)
endpoints = oauth1.WebApplicationServer(Validator(store))


def arguments() -> tuple[str, str, str | None, dict[str, str]]:
    """The request for oauthlib, with the URL as it was sent, not as Werkzeug decodes it."""
    form = request.mimetype == FORM
    body = request.get_data(as_text=True) if form else None
    url = f"http://{request.host}{request.environ['REQUEST_URI']}"
    return url, request.method, body, dict(request.headers)


# The log


def protocol_parameters() -> dict[str, list[tuple[str, str]]]:
    """The ``oauth_`` parameters and the realm, by the place they came in (3.5)."""
    places = {
        "header": collect_parameters(
            headers=dict(request.headers), exclude_oauth_signature=False, with_realm=True
        ),
        "body": list(request.form.items(multi=True)),
        "query": list(request.args.items(multi=True)),
    }
    return {
        place: [(name, value) for name, value in found if name.startswith("oauth_")]
        for place, found in places.items()
    }


def realm() -> str | None:
    found = collect_parameters(headers=dict(request.headers), with_realm=True)
    return dict(found).get("realm")


def entry(status: int) -> dict[str, Any]:
    """What the log keeps of a request: names of parameters, and values that are no secret."""
    placed = protocol_parameters()
    values = {name: value for found in placed.values() for name, value in found}
    shown = ("signature_method", "nonce", "timestamp", "version", "callback", "body_hash")
    return {
        "method": request.method,
        "path": request.path,
        "status": status,
        "content_type": request.headers.get("Content-Type"),
        "protocol": {place: [name for name, _ in found] for place, found in placed.items()},
        "query": [name for name in request.args if not name.startswith("oauth_")],
        "form": [name for name in request.form if not name.startswith("oauth_")],
        "realm": realm(),
        **{name: values.get(f"oauth_{name}") for name in shown},
    }


@app.before_request
def answer_instead() -> Response | None:
    """Give the answer that the settings hold for this path."""
    answer = settings["answers"].get(request.path)
    if answer is None:
        return None
    return Response(answer.get("body", ""), answer.get("status", 200), answer.get("headers", {}))


@app.after_request
def remember(response: Response) -> Response:
    if not request.path.startswith("/admin/"):
        log.append(entry(response.status_code))
    return response


# The protocol


def credentials(headers: dict[str, str], body: str | None, status: int) -> Response:
    """An answer of oauthlib; where it holds credentials, in the shape that the settings ask for."""
    if status != 200:
        return Response(body, status, headers)
    fields = dict(parse_qsl(body or ""))
    if "oauth_callback_confirmed" in fields:
        fields["oauth_callback_confirmed"] = settings["callback_confirmed"]
    fields = {name: value for name, value in fields.items() if value is not None}
    if settings["json"]:
        return Response(json.dumps(fields), settings["status"], content_type="application/json")
    return Response(urlencode(fields), settings["status"], content_type=FORM)


@app.errorhandler(OAuth1Error)
def protocol_error(error: OAuth1Error) -> Response:
    return Response(error.urlencoded, error.status_code, content_type=FORM)


@app.post("/initiate")
def initiate() -> Response:
    return credentials(*endpoints.create_request_token_response(*arguments()))


@app.get("/authorize")
def authorization_page() -> str:
    endpoints.get_realms_and_credentials(*arguments())
    return render_template_string(AUTHORIZE_PAGE, token=request.args["oauth_token"])


@app.post("/authorize")
def authorize() -> Response:
    token = request.form["oauth_token"]
    known = store.temporary.get(token)
    if known is not None and request.form["answer"] == "deny":
        return denied(token, known.callback)
    if known is not None:
        known.user = request.form["user"]
    url = f"{request.base_url}?{urlencode({'oauth_token': token})}"
    headers, body, status = endpoints.create_authorization_response(url)
    return Response(body, status, headers)


def denied(token: str, callback: str) -> Response:
    """Back to the client with ``denied``, which RFC 5849 has no name for and Twitter made up."""
    del store.temporary[token]
    if callback == "oob":
        return Response("The request was denied.", content_type="text/plain")
    joined = "&" if "?" in callback else "?"
    location = f"{callback}{joined}{urlencode({'denied': token})}"
    return Response("", 302, {"Location": location})


@app.post("/token")
def token() -> Response:
    more = settings["token_fields"]
    return credentials(*endpoints.create_access_token_response(*arguments(), credentials=more))


@app.route("/echo", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def echo() -> Any:
    allowed, signed = endpoints.validate_protected_resource_request(*arguments())
    if not allowed or not body_hash_fits(signed.oauth_params):
        challenge = {"WWW-Authenticate": 'OAuth realm="echo"'}
        return Response('{"error": "refused"}', 401, challenge, content_type="application/json")
    g.user = store.tokens[signed.resource_owner_key].user
    return arrived()


def body_hash_fits(oauth_params: dict[str, str]) -> bool:
    """Compare ``oauth_body_hash`` (OAuth Request Body Hash), which a form never comes with.

    The extension knows SHA-1 only. For the newer signature methods some clients take the hash of
    the method, others keep to SHA-1; both fit.
    """
    sent = oauth_params.get("oauth_body_hash")
    if request.mimetype == FORM:
        return sent is None
    if sent is None:
        return not (settings["body_hash"] and request.get_data())
    method = oauth_params["oauth_signature_method"].rpartition("-")[2]
    body = request.get_data()
    fitting = {hashlib.new(name, body).digest() for name in ("sha1", HASHES.get(method, "sha1"))}
    return sent in {base64.b64encode(digest).decode() for digest in fitting}


def arrived() -> dict[str, Any]:
    """The request as decoded here, without the protocol's own parameters."""
    return {
        "user": g.user,
        "method": request.method,
        "query": own(parse_qsl(request.query_string.decode(), keep_blank_values=True)),
        "form": own(list(request.form.items(multi=True))),
        "json": request.get_json(silent=True),
        "files": {
            name: {
                "filename": file.filename,
                "content_type": file.content_type,
                "text": file.read().decode(),
            }
            for name, file in request.files.items()
        },
    }


def own(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in pairs if not name.startswith("oauth_")]


# The remote control


@app.post("/admin/settings")
def change_settings() -> Any:
    changed = request.get_json()
    unknown = changed.keys() - DEFAULTS.keys()
    if unknown:
        return {"unknown": sorted(unknown)}, 400
    settings.update(changed)
    store.client_secret = settings["client_secret"] or CLIENT_SECRET
    return settings


@app.post("/admin/reset")
def reset() -> dict[str, Any]:
    store.clear()
    log.clear()
    settings.update(deepcopy(DEFAULTS))
    store.client_secret = CLIENT_SECRET
    return settings


@app.get("/admin/log")
def read_log() -> list[dict[str, Any]]:
    return log


class QuietHandler(WSGIRequestHandler):
    def log(self, *args: object) -> None:
        """Say nothing; errors are on standard error anyway."""


def main() -> None:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    ready = {
        "base_url": f"http://127.0.0.1:{server.server_port}",
        "client_id": store.client_id,
        "client_secret": store.client_secret,
        "rsa_key": RSA_KEY,
    }
    print(json.dumps(ready), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
