"""A fake provider in a process of its own, so that its work is on nobody's bill.

``python -m tests.benchmarks._server`` listens on two free ports of the loopback interface, one
plain and one with TLS, prints one line of JSON that says which, and ends when its standard input
does. Each port is an issuer of its own. All that it remembers is which refresh tokens are spent: a
code carries the nonce and the PKCE challenge of its login, if that has them. ``/control`` reads
the counters and changes what there is to change.

An answer leaves in one write on a socket without Nagle's delay; two would wait 40 ms for each
other on a kept connection.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import ssl
import sys
import threading
import time
from base64 import b64decode
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from typing import Any
from typing import cast
from urllib.parse import parse_qs

import trustme
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256

CLIENT_ID = "benchmark-client"
CLIENT_SECRET = "benchmark-secret-of-a-usual-length"
REDIRECT_URI = "http://localhost/callback"
API_TOKEN = "benchmark-access-token"
"""What the API accepts; the tokens that the provider issues begin with it."""

PERSON = {
    "sub": "248289761001",
    "name": "Jane Doe",
    "given_name": "Jane",
    "family_name": "Doe",
    "preferred_username": "j.doe",
    "email": "janedoe@example.com",
    "email_verified": True,
    "locale": "en-GB",
    "zoneinfo": "Europe/Paris",
    "picture": "https://op.example.com/people/248289761001/picture.jpg",
    "updated_at": 1311280970,
}


def base64url(raw: bytes) -> str:
    """:returns: RFC 7515 base64url, without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


class SigningKey:
    """An RSA key of 2048 bits with a name."""

    def __init__(self) -> None:
        self.kid = secrets.token_hex(8)
        self.private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def jwk(self) -> dict[str, str]:
        """:returns: the public half, as RFC 7517 writes it."""
        numbers = self.private_key.public_key().public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.kid,
            "n": base64url(numbers.n.to_bytes(256, "big")),
            "e": base64url(numbers.e.to_bytes(3, "big")),
        }

    def sign(self, claims: Mapping[str, object], kid: str | None = None) -> str:
        """:returns: a compact JWS, RS256."""
        header = {"alg": "RS256", "kid": kid or self.kid, "typ": "JWT"}
        segments = [base64url(json.dumps(part).encode()) for part in (header, claims)]
        signing_input = ".".join(segments)
        signature = self.private_key.sign(signing_input.encode(), padding.PKCS1v15(), SHA256())
        return f"{signing_input}.{base64url(signature)}"


def id_token_claims(issuer: str, nonce: str, access_token: str) -> dict[str, object]:
    """:returns: the nineteen claims of a usual ID token."""
    now = int(time.time())
    digest = hashlib.sha256(access_token.encode()).digest()
    return {
        "iss": issuer,
        "aud": CLIENT_ID,
        "azp": CLIENT_ID,
        "iat": now,
        "exp": now + 3600,
        "auth_time": now - 5,
        "nonce": nonce,
        "at_hash": base64url(digest[:16]),
        **PERSON,
    }


class Provider:
    """What the provider knows: its keys, its counters, how long it thinks."""

    def __init__(self) -> None:
        self.key = SigningKey()
        self.counts: Counter[str] = Counter()
        self.delay = 0.0
        self._spent: set[str] = set()
        self._lock = threading.Lock()

    def count(self, what: str) -> None:
        """Count one event."""
        with self._lock:
            self.counts[what] += 1

    def metadata(self, issuer: str) -> dict[str, object]:
        """:returns: the discovery document."""
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "jwks_uri": f"{issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def token_response(self, issuer: str, form: Mapping[str, str]) -> dict[str, object]:
        """:returns: the answer to a token request, or an error."""
        if form.get("grant_type") == "refresh_token":
            return self._refreshed(form["refresh_token"])
        nonce, _, challenge = form.get("code", "").partition(".")
        verifier = form.get("code_verifier")
        if challenge != (base64url(hashlib.sha256(verifier.encode()).digest()) if verifier else ""):
            return {"error": "invalid_grant"}
        access_token = f"{API_TOKEN}-{secrets.token_urlsafe(32)}"
        claims = id_token_claims(issuer, nonce, access_token)
        return {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": 3600,
            "refresh_token": secrets.token_urlsafe(32),
            "scope": "openid profile email",
            "id_token": self.key.sign(claims),
        }

    def _refreshed(self, refresh_token: str) -> dict[str, object]:
        """Any refresh token is good, once: they rotate."""
        time.sleep(self.delay)
        with self._lock:
            if refresh_token in self._spent:
                return {"error": "invalid_grant"}
            self._spent.add(refresh_token)
        return {
            "access_token": f"{API_TOKEN}-{secrets.token_urlsafe(32)}",
            "token_type": "Bearer",
            "expires_in": 3600,
            "refresh_token": secrets.token_urlsafe(32),
        }

    def control(self, command: Mapping[str, Any]) -> dict[str, int]:
        """Do what a benchmark asks.

        :returns: the counters as they stood before.
        """
        with self._lock:
            counts = dict(self.counts)
            if command.get("reset"):
                self.counts.clear()
            if command.get("rotate"):
                self.key = SigningKey()
            self.delay = command.get("delay", self.delay)
        return counts


class Handler(BaseHTTPRequestHandler):
    """One connection to the provider."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def provider(self) -> Provider:
        """The provider that this connection leads to."""
        return cast("_Server", self.server).provider

    @property
    def issuer(self) -> str:
        """What the provider is called at this connection's port."""
        return cast("_Server", self.server).issuer

    def do_GET(self) -> None:
        """Answer the metadata, the keys and the API."""
        provider = self.provider
        provider.count(self.path)
        if self.path == "/.well-known/openid-configuration":
            time.sleep(provider.delay)
            self._answer(200, provider.metadata(self.issuer))
        elif self.path == "/jwks":
            time.sleep(provider.delay)
            self._answer(200, {"keys": [provider.key.jwk()]})
        elif self.headers.get("Authorization", "").startswith(f"Bearer {API_TOKEN}"):
            self._answer(200, PERSON)
        else:
            self._answer(401, {"error": "invalid_token"})

    def do_POST(self) -> None:
        """Answer a token request or a command."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/control":
            self._answer(200, self.provider.control(json.loads(body)))
            return
        self.provider.count(self.path)
        form = {name: values[0] for name, values in parse_qs(body).items()}
        if not self._is_the_client():
            self._answer(401, {"error": "invalid_client"})
            return
        answer = self.provider.token_response(self.issuer, form)
        self._answer(400 if "error" in answer else 200, answer)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _is_the_client(self) -> bool:
        scheme, _, credentials = self.headers.get("Authorization", "").partition(" ")
        expected = f"{CLIENT_ID}:{CLIENT_SECRET}"
        return scheme == "Basic" and b64decode(credentials).decode() == expected

    def _answer(self, status: int, document: Mapping[str, object]) -> None:
        body = json.dumps(document).encode()
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
            "Content-Type: application/json\r\n"
            "Cache-Control: no-store\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self.wfile.write(head.encode() + body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    scheme = "http"

    def __init__(self, provider: Provider) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.provider = provider
        self.issuer = f"{self.scheme}://127.0.0.1:{self.server_port}"


class _TLSServer(_Server):
    scheme = "https"

    def __init__(self, provider: Provider, context: ssl.SSLContext) -> None:
        super().__init__(provider)
        self._context = context

    def finish_request(self, request: Any, client_address: Any) -> None:
        # Here, in the connection's own thread: a handshake must not hold up the others.
        with self._context.wrap_socket(request, server_side=True) as secured:
            self.provider.count("handshakes")
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that leaves without a TLS goodbye is no news.
        return


def _tls_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


def _serve(server: _Server) -> str:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.issuer


def main() -> None:
    """Serve until standard input ends."""
    provider = Provider()
    authority = trustme.CA()
    ready = {
        "issuer": _serve(_Server(provider)),
        "api": _serve(_TLSServer(provider, _tls_context(authority))),
        "ca_pem": authority.cert_pem.bytes().decode(),
    }
    print(json.dumps(ready), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
