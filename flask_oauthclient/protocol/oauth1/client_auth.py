"""A client that signs requests (RFC 5849 section 3)."""

from __future__ import annotations

import secrets
import time
from collections import ChainMap
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any
from typing import ClassVar
from typing import Self

from ..errors import InsecureTransportError
from ..errors import InvalidSettingError
from ..errors import UnknownOptionError
from ..urls import is_secure
from ..urls import split
from ..warn import warn_caller
from . import placement
from .placement import FORM
from .placement import SIGNATURE_TYPE_BODY
from .placement import SIGNATURE_TYPE_HEADER
from .placement import SIGNATURE_TYPES
from .placement import Realm
from .signature import METHODS
from .signature import SIGNATURE_HMAC_SHA1
from .signature import SIGNATURE_PLAINTEXT
from .signature import Pairs
from .signature import SignatureMethod
from .signature import SignatureRequest
from .signature import body_hash

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

#: The attributes that a caller may set.
SETTINGS = frozenset(
    {
        "client_id",
        "client_secret",
        "token",
        "token_secret",
        "redirect_uri",
        "rsa_key",
        "verifier",
        "signature_method",
        "signature_type",
        "realm",
        "force_include_body",
    }
)


class ClientAuth:
    """A client's credentials and its way to sign with them. Attributes may be changed at any time.

    :param client_id: the client identifier (``oauth_consumer_key``).
    :param client_secret: the client's shared secret.
    :param token: the token, of temporary or token credentials (``oauth_token``).
    :param token_secret: its shared secret.
    :param redirect_uri: sent as ``oauth_callback`` with every request while it is set.
    :param rsa_key: private key of the RSA methods: PEM, or a key object of ``cryptography``.
    :param verifier: ``oauth_verifier`` of the token request.
    :param signature_method: ``HMAC-SHA1``, ``RSA-SHA1``, ``PLAINTEXT``, their SHA256 and SHA512
        variants, or one that was registered.
    :param signature_type: where the parameters go: ``HEADER``, ``QUERY`` or ``BODY``.
    :param realm: realm of the Authorization header; several are separated by a space.
    :param force_include_body: sign bodies that are no form too, by ``oauth_body_hash``.
    :raises InvalidSettingError: for a method or type that is not known, or an unreadable key.
    """

    #: ``sign(client, request) -> str`` by name; each subclass adds to its parents'.
    signature_methods: ClassVar[ChainMap[str, SignatureMethod]] = ChainMap(dict(METHODS))

    def __init__(
        self,
        client_id: str,
        client_secret: str | None = None,
        token: str | None = None,
        token_secret: str | None = None,
        redirect_uri: str | None = None,
        rsa_key: Any = None,
        verifier: str | None = None,
        signature_method: str = SIGNATURE_HMAC_SHA1,
        signature_type: str = SIGNATURE_TYPE_HEADER,
        realm: Realm = None,
        force_include_body: bool = False,
    ) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.token = token
        self.token_secret = token_secret
        self.redirect_uri = redirect_uri
        self.rsa_key = rsa_key
        self.verifier = verifier
        self.signature_method = signature_method
        self.signature_type = signature_type
        self.realm = realm
        self.force_include_body = force_include_body
        self._parsed_keys = _ParsedKey()
        self._check_settings()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.signature_methods = cls.signature_methods.new_child()

    @classmethod
    def register_signature_method(cls, name: str, sign: SignatureMethod) -> None:
        """Make a signature method known to this class and those derived from it.

        :param name: its name, the value of ``oauth_signature_method``.
        :param sign: ``sign(client, request) -> str``; ``request.signature_base_string`` is what
            has to be signed.
        """
        cls.signature_methods[name] = sign

    # -- signing --------------------------------------------------------------------------

    def prepare(
        self,
        method: str,
        uri: str,
        headers: Mapping[str, str] | None,
        body: Any,
        *,
        insecure_http: bool = False,
    ) -> tuple[str, dict[str, str], Any]:
        """Sign one request.

        :param method: its HTTP method.
        :param uri: its URL.
        :param headers: its headers.
        :param body: its body. A form is signed; anything else is sent as it is, and unsigned
            unless ``force_include_body`` is set.
        :param insecure_http: allow http to a host that is not loopback, but for PLAINTEXT.
        :returns: URL, headers and body with the protocol parameters.
        :raises InsecureTransportError: if the URL is not https (section 3.4.4).
        :raises InvalidSettingError: for settings that cannot work, or a request that carries
            protocol parameters already.
        """
        self._check_transport(uri, insecure_http)
        sent = dict(headers) if headers else {}
        form = self._read_form(sent, body)
        params = self._protocol_params()
        if form is None and self.force_include_body and body:
            params.append(("oauth_body_hash", body_hash(placement.octets(body))))
        self._check_not_repeated(uri, form, params)
        request = SignatureRequest(method, uri, sent, body, params, form or "")
        signature = self._signature_method()(self, request)
        return self._place(uri, sent, body, [*params, ("oauth_signature", signature)])

    def generate_nonce(self) -> str:
        """A value that no other request carries (section 3.3), of a form that all servers take."""
        return secrets.token_hex(12)

    def generate_timestamp(self) -> str:
        """Seconds since the epoch (section 3.3)."""
        return str(int(time.time()))

    def _protocol_params(self) -> Pairs:
        params = [
            ("oauth_nonce", self.generate_nonce()),
            ("oauth_timestamp", self.generate_timestamp()),
            ("oauth_version", "1.0"),
            ("oauth_signature_method", self.signature_method),
            ("oauth_consumer_key", self.client_id),
        ]
        if self.token:
            params.append(("oauth_token", self.token))
        if self.redirect_uri:
            params.append(("oauth_callback", self.redirect_uri))
        if self.verifier:
            params.append(("oauth_verifier", self.verifier))
        return params

    def _read_form(self, headers: dict[str, str], body: Any) -> str | None:
        """The form to sign, if the body is one; its content type is seen to."""
        given = placement.header(headers, "content-type")
        form = placement.form_of(body, placement.media_type(given))
        if self.signature_type == SIGNATURE_TYPE_BODY:
            return placement.force_form(headers, body, form)
        if form and not given:
            headers["Content-Type"] = FORM
        return form

    def _place(
        self, uri: str, headers: dict[str, str], body: Any, params: Pairs
    ) -> tuple[str, dict[str, str], Any]:
        match self.signature_type:
            case placement.SIGNATURE_TYPE_HEADER:
                placement.drop_header(headers, "authorization")
                headers["Authorization"] = placement.authorization_header(params, self.realm)
            case placement.SIGNATURE_TYPE_QUERY:
                uri = placement.append_to_query(uri, params)
            case placement.SIGNATURE_TYPE_BODY:
                body = placement.append_to_form(body, params)
            case _:
                self._check_signature_type()
        return uri, headers, body

    # -- checks ---------------------------------------------------------------------------

    def _check_settings(self) -> None:
        self._check_signature_type()
        self._signature_method()
        if self.rsa_key and str(self.signature_method).startswith("RSA-"):
            self.private_key()
        if (self.signature_method, self.signature_type) == (SIGNATURE_PLAINTEXT, "QUERY"):
            warn_caller(
                "PLAINTEXT in the QUERY writes the secrets into URLs, which are logged and kept; "
                "use the HEADER if the server allows it",
            )

    def _check_transport(self, uri: str, insecure_http: bool) -> None:
        base = uri.partition("#")[0].partition("?")[0]
        if is_secure(base):
            return
        split(base)
        if self.signature_method == SIGNATURE_PLAINTEXT:
            raise InsecureTransportError(
                "insecure_transport",
                "PLAINTEXT shows the secrets: it is used over https only (RFC 5849 section 3.4.4).",
            )
        if not insecure_http:
            raise InsecureTransportError

    def _check_not_repeated(self, uri: str, form: str | None, params: Pairs) -> None:
        query = uri.partition("#")[0].partition("?")[2]
        if query or form:
            names = [*(name for name, _ in params), "oauth_signature"]
            placement.check_not_repeated(f"{query}&{form or ''}", names)

    def _check_signature_type(self) -> None:
        if self.signature_type not in SIGNATURE_TYPES:
            known = ", ".join(SIGNATURE_TYPES)
            raise InvalidSettingError("invalid_configuration", f"signature_type is one of {known}.")

    def _signature_method(self) -> SignatureMethod:
        try:
            return self.signature_methods[self.signature_method]
        except (KeyError, TypeError):
            known = ", ".join(sorted(self.signature_methods))
        raise InvalidSettingError("invalid_configuration", f"signature_method is one of {known}.")

    # -- the key, copies ------------------------------------------------------------------

    def private_key(self) -> RSAPrivateKey:
        """The key object behind ``rsa_key``, which is read once.

        :raises InvalidSettingError: if there is none, or it is no RSA private key.
        """
        return self._parsed_keys.of(self.rsa_key)

    def secrets(self) -> list[str]:
        """What nobody else may see, for those who write errors and logs."""
        return [s for s in (self.client_secret, self.token_secret, self.verifier) if s]

    def replaced(self, **changes: Any) -> Self:
        """A copy with other settings, for one request; it shares the key that was read.

        :param changes: attributes by name.
        :raises UnknownOptionError: for a name that is no setting.
        """
        if not changes.keys() <= SETTINGS:
            names = ", ".join(sorted(changes.keys() - SETTINGS))
            raise UnknownOptionError("unknown_option", f"No setting of a signer: {names}.")
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.__dict__.update(changes)
        if "rsa_key" in changes:
            other._parsed_keys = _ParsedKey()
        return other

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_parsed_keys"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._parsed_keys = _ParsedKey()

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.client_id!r} "
            f"{self.signature_method} {self.signature_type}>"
        )


class _ParsedKey:
    """The key that was read last, for all copies of one signer."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: tuple[Any, RSAPrivateKey] | None = None

    def of(self, source: Any) -> RSAPrivateKey:
        last = self._last
        if last is not None and last[0] is source:
            return last[1]
        from .rsa import read_private_key  # cryptography is loaded when it is needed

        key = read_private_key(source)
        self._last = (source, key)  # one assignment: a thread sees both or neither
        return key
