"""The signature of a request (RFC 5849 section 3.4), one function for each method."""

from __future__ import annotations

import hashlib
import hmac
import re
from binascii import b2a_base64
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeAlias
from urllib.parse import quote_from_bytes
from urllib.parse import unquote_to_bytes

from ..errors import InvalidSettingError
from ..urls import split

if TYPE_CHECKING:
    from .client_auth import ClientAuth

SIGNATURE_HMAC_SHA1 = "HMAC-SHA1"
SIGNATURE_HMAC_SHA256 = "HMAC-SHA256"
SIGNATURE_HMAC_SHA512 = "HMAC-SHA512"
SIGNATURE_RSA_SHA1 = "RSA-SHA1"
SIGNATURE_RSA_SHA256 = "RSA-SHA256"
SIGNATURE_RSA_SHA512 = "RSA-SHA512"
SIGNATURE_PLAINTEXT = "PLAINTEXT"

Pairs: TypeAlias = list[tuple[str, str]]

_is_unreserved = re.compile(r"[A-Za-z0-9._~-]*").fullmatch
# What URLs, signatures in base64 and pairs of secrets are made of: nearly all that is encoded here.
_is_usual = re.compile(r"[A-Za-z0-9._~:/+=&-]*").fullmatch
_USUAL = ((":", "%3A"), ("/", "%2F"), ("+", "%2B"), ("=", "%3D"), ("&", "%26"))
_DEFAULT_PORTS = {"http": 80, "https": 443}


# -- encoding ----------------------------------------------------------------------------


def escape(text: str) -> str:
    """Percent-encode everything but the unreserved characters (section 3.6).

    :param text: any text; it is encoded as UTF-8.
    :raises InvalidSettingError: if it is no text, or holds half a surrogate pair.
    """
    try:
        if _is_unreserved(text):
            return text
        if _is_usual(text):
            return _escape_usual(text)
        # The octets of a query or form that is not UTF-8 come here as lone surrogates.
        encoded = text.encode("utf-8", "surrogateescape")
    except (TypeError, UnicodeEncodeError):
        encoded = None  # an exception of Python would carry the value
    if encoded is None:
        raise InvalidSettingError(
            "invalid_configuration", "What is to be signed is not text that UTF-8 can encode."
        )
    return quote_from_bytes(encoded, safe="~")


def _escape_usual(text: str) -> str:
    for character, encoded in _USUAL:  # none of them is in what stands for another
        text = text.replace(character, encoded)
    return text


def escaped_pairs(form: str) -> Pairs:
    """Decode a query or form, and encode names and values as the signature wants them.

    Empty values and repetitions count (section 3.4.1.3.1). Octets that are not UTF-8 stay what
    they are.
    """
    pairs = [pair.partition("=") for pair in form.split("&") if pair]
    return [(_reescape(name), _reescape(value)) for name, _, value in pairs]


def _reescape(text: str) -> str:
    if _is_unreserved(text):
        return text
    return quote_from_bytes(_form_octets(text), safe="~")


def _form_octets(text: str) -> bytes:
    try:
        encoded = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        encoded = None
    if encoded is None:
        raise InvalidSettingError("invalid_configuration", "A query or form cannot be encoded.")
    return unquote_to_bytes(encoded.replace(b"+", b" "))


# -- the signature base string -----------------------------------------------------------


def base_string_uri(url: str) -> str:
    """Scheme, authority and path of a request as they are signed (section 3.4.1.2).

    :param url: the request URL; query and fragment are left out.
    :raises InsecureTransportError: if it is no absolute http(s) URL.
    """
    parts = split(url)
    host = (parts.hostname or "").lower()
    authority = f"[{host}]" if ":" in host else host
    if parts.port is not None and parts.port != _DEFAULT_PORTS[parts.scheme]:
        authority = f"{authority}:{parts.port}"
    return f"{parts.scheme}://{authority}{parts.path or '/'}"


def normalize_parameters(pairs: Iterable[tuple[str, str]]) -> str:
    """Sort encoded parameters by name, then value, and join them (section 3.4.1.3.2)."""
    # Encoded text is ASCII: the order of its characters is that of its bytes.
    return "&".join([f"{name}={value}" for name, value in sorted(pairs)])


def base_string(method: str, url: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Put together what is signed (section 3.4.1.1).

    :param method: the HTTP method, in any case.
    :param url: the request URL; its query is not looked at.
    :param pairs: every parameter of query, form and protocol, encoded already.
    """
    base = url.partition("#")[0].partition("?")[0]
    # Encoding a second time changes only these three: nothing else but unreserved is there.
    normalized = normalize_parameters(pairs)
    twice = normalized.replace("%", "%25").replace("=", "%3D").replace("&", "%26")
    return f"{escape(method.upper())}&{escape(base_string_uri(base))}&{twice}"


@dataclass(frozen=True, slots=True, repr=False)
class SignatureRequest:
    """What a signature method may look at."""

    method: str
    uri: str
    headers: Mapping[str, str]
    body: Any
    #: The protocol parameters but for the signature, in the order in which they are sent.
    oauth_params: Pairs
    #: The body, if it is a form whose parameters are signed.
    form: str = ""

    @property
    def signature_base_string(self) -> str:
        """The text that is signed (RFC 5849 section 3.4.1)."""
        base, _, query = self.uri.partition("#")[0].partition("?")
        pairs = escaped_pairs(query) if query else []
        if self.form:
            pairs += escaped_pairs(self.form)
        pairs += [(name, escape(value)) for name, value in self.oauth_params]
        return base_string(self.method, self._with_host_of_header(base), pairs)

    def _with_host_of_header(self, base: str) -> str:
        # Section 3.4.1.2: host and port are those of the Host header.
        for name, host in self.headers.items():
            if len(name) == 4 and name.lower() == "host":
                scheme, _, rest = base.partition("://")
                return f"{scheme}://{_text(host)}/{rest.partition('/')[2]}"
        return base

    def __repr__(self) -> str:
        return f"<SignatureRequest {self.method} {self.uri.partition('?')[0]}>"


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


# -- the methods -------------------------------------------------------------------------

SignatureMethod: TypeAlias = Callable[["ClientAuth", SignatureRequest], str]


def sign_plaintext(client: ClientAuth, request: SignatureRequest) -> str:
    """The two secrets (section 3.4.4); no base string is needed."""
    return f"{escape(client.client_secret or '')}&{escape(client.token_secret or '')}"


def _hmac_method(digest: str) -> SignatureMethod:
    def sign(client: ClientAuth, request: SignatureRequest) -> str:
        """HMAC with both secrets as the key (section 3.4.2)."""
        key = sign_plaintext(client, request).encode("ascii")
        text = request.signature_base_string.encode("ascii")
        return base64(hmac.digest(key, text, digest))

    return sign


def _rsa_method(digest: str) -> SignatureMethod:
    def sign(client: ClientAuth, request: SignatureRequest) -> str:
        """RSASSA-PKCS1-v1_5 with the client's private key (section 3.4.3)."""
        from .rsa import sign_pkcs1_v15  # cryptography is loaded when it is needed

        text = request.signature_base_string.encode("ascii")
        return base64(sign_pkcs1_v15(client.private_key(), text, digest))

    return sign


def base64(octets: bytes) -> str:
    """Base64 (RFC 2045 section 6.8) without line breaks."""
    return b2a_base64(octets, newline=False).decode("ascii")


def body_hash(octets: bytes) -> str:
    """The hash of a body that is no form, as the OAuth Request Body Hash extension has it."""
    return base64(hashlib.sha1(octets, usedforsecurity=False).digest())


#: The built-in signature methods by name.
METHODS: Mapping[str, SignatureMethod] = {
    SIGNATURE_HMAC_SHA1: _hmac_method("sha1"),
    SIGNATURE_HMAC_SHA256: _hmac_method("sha256"),
    SIGNATURE_HMAC_SHA512: _hmac_method("sha512"),
    SIGNATURE_RSA_SHA1: _rsa_method("sha1"),
    SIGNATURE_RSA_SHA256: _rsa_method("sha256"),
    SIGNATURE_RSA_SHA512: _rsa_method("sha512"),
    SIGNATURE_PLAINTEXT: sign_plaintext,
}
