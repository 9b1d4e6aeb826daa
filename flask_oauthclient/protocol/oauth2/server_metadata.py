"""The metadata document of an authorization server, judged in full (RFC 8414 section 2).

A login checks of a document what it uses (:mod:`.metadata`). This is the whole list of rules, for
whoever wants to know whether a server keeps them.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from typing import Any
from typing import ClassVar
from urllib.parse import urlsplit

from ..errors import MetadataError
from ..urls import is_http_url
from ..urls import is_secure
from .metadata import check_endpoints
from .metadata import check_issuer_url

#: Client authentication methods that sign.
_JWT_METHODS = frozenset({"private_key_jwt", "client_secret_jwt"})
_AUTHENTICATED_ENDPOINTS = ("token_endpoint", "revocation_endpoint", "introspection_endpoint")


def get_well_known_url(
    issuer: str, external: bool = False, suffix: str = "oauth-authorization-server"
) -> str:
    """Where RFC 8414 section 3.1 has the metadata: the suffix stands before the issuer's path.

    :param issuer: the issuer.
    :param external: give the whole URL instead of its path.
    :param suffix: the well-known name.
    :raises MetadataError: (a ``ValueError``) if that is no issuer.
    """
    check_issuer_url(issuer)
    parts = urlsplit(issuer)
    path = f"/.well-known/{suffix}{parts.path.rstrip('/')}"
    return f"{parts.scheme}://{parts.netloc}{path}" if external else path


class AuthorizationServerMetadata(dict[str, Any]):
    """A metadata document; its registered members are attributes too.

    An attribute is the member's default, or ``None``, when the document leaves the member out.
    """

    #: Members that are attributes.
    REGISTRY_KEYS: ClassVar[tuple[str, ...]] = (
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "registration_endpoint",
        "scopes_supported",
        "response_types_supported",
        "response_modes_supported",
        "grant_types_supported",
        "token_endpoint_auth_methods_supported",
        "token_endpoint_auth_signing_alg_values_supported",
        "service_documentation",
        "ui_locales_supported",
        "op_policy_uri",
        "op_tos_uri",
        "revocation_endpoint",
        "revocation_endpoint_auth_methods_supported",
        "revocation_endpoint_auth_signing_alg_values_supported",
        "introspection_endpoint",
        "introspection_endpoint_auth_methods_supported",
        "introspection_endpoint_auth_signing_alg_values_supported",
        "code_challenge_methods_supported",
        "authorization_response_iss_parameter_supported",
        "pushed_authorization_request_endpoint",
        "require_pushed_authorization_requests",
        "mtls_endpoint_aliases",
    )
    #: What a member means when it is absent.
    DEFAULTS: ClassVar[dict[str, Any]] = {
        "response_modes_supported": ["query", "fragment"],
        "grant_types_supported": ["authorization_code", "implicit"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic"],
        "authorization_response_iss_parameter_supported": False,
        "require_pushed_authorization_requests": False,
    }
    #: Switches. Every other member whose name ends in ``_supported`` is a list.
    BOOLEANS: ClassVar[tuple[str, ...]] = (
        "authorization_response_iss_parameter_supported",
        "require_pushed_authorization_requests",
    )
    #: Pages for people.
    PAGES: ClassVar[tuple[str, ...]] = ("service_documentation", "op_policy_uri", "op_tos_uri")

    def __getattr__(self, name: str) -> Any:
        if name not in self.REGISTRY_KEYS:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return self[name] if name in self else copy(self.DEFAULTS.get(name))

    def validate(self, metadata_classes: Iterable[type[Any]] | None = None) -> None:
        """Check the document.

        :param metadata_classes: classes for members of other specifications. Each is made of this
            document; then its ``validate`` is called, or, without one, its ``validate_<member>``
            for every name of its ``REGISTRY_KEYS``. A subclass of this class may have the latter
            as well.
        :raises MetadataError: (a ``ValueError``) for the first rule that is broken.
        """
        self.check()
        _call_member_checks(self)
        for kind in metadata_classes or ():
            extension = kind(self)
            validate = getattr(extension, "validate", None)
            if validate is None:
                _call_member_checks(extension)
            else:
                validate()

    def check(self) -> None:
        """Check the rules of RFC 8414."""
        self.check_issuer()
        check_endpoints(self)
        self.check_required("response_types_supported")
        self.check_required_endpoints()
        self.check_types()
        for endpoint in _AUTHENTICATED_ENDPOINTS:
            self.check_signing_algs(endpoint)

    def check_issuer(self) -> None:
        """The issuer is there, and an https URL without query or fragment."""
        self.check_required("issuer")
        check_issuer_url(self["issuer"])
        if not is_secure(self["issuer"]):
            raise bad_member("issuer", "is not an https URL (http is for loopback addresses)")

    def check_required(self, *names: str) -> None:
        """Members are there and not empty."""
        for name in names:
            if not self.get(name):
                raise bad_member(name, "is required and absent")

    def check_required_endpoints(self) -> None:
        """An endpoint is required if one of the grants uses it."""
        grants = self.grant_types_supported
        check_string_list("grant_types_supported", grants)
        if {"authorization_code", "implicit"}.intersection(grants):
            self.check_required("authorization_endpoint")
        if set(grants) - {"implicit"}:
            self.check_required("token_endpoint")

    def check_types(self) -> None:
        """Lists are lists of strings, switches are booleans, pages are URLs."""
        for name, value in self.items():
            if name in self.BOOLEANS:
                check_boolean(name, value)
            elif name in self.PAGES and not is_http_url(value):
                raise bad_member(name, "is not an absolute URL")
            elif name.endswith("_supported") and name in self.REGISTRY_KEYS:
                check_string_list(name, value)

    def check_signing_algs(self, endpoint: str) -> None:
        """Who takes signed assertions says which algorithms, and ``none`` is no algorithm."""
        algs = f"{endpoint}_auth_signing_alg_values_supported"
        if _JWT_METHODS.intersection(self.get(f"{endpoint}_auth_methods_supported", ())):
            self.check_required(algs)
        if "none" in self.get(algs, ()):
            raise bad_member(algs, 'lists "none"')


def _call_member_checks(document: Any) -> None:
    for name in document.REGISTRY_KEYS:
        check = getattr(document, f"validate_{name}", None)
        if check is not None:
            check()


def check_string_list(name: str, value: object) -> None:
    """A member is a JSON array of strings."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise bad_member(name, "is not an array of strings")


def check_boolean(name: str, value: object) -> None:
    """A member is a JSON boolean."""
    if not isinstance(value, bool):
        raise bad_member(name, "is not a boolean")


def bad_member(name: str, why: str) -> MetadataError:
    """The error for a member that breaks a rule."""
    return MetadataError(
        "invalid_metadata", f'The metadata\'s "{name}" {why}.', detail={"member": name}
    )
