"""Registered clients, independent of the web framework."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..protocol.lazy import lazy_names

if TYPE_CHECKING:
    from ..protocol.errors import InvalidTokenError
    from ..protocol.errors import MismatchingStateError
    from ..protocol.errors import MissingRequestTokenError
    from ..protocol.errors import MissingTokenError
    from ..protocol.errors import OAuthError
    from ..protocol.errors import TokenExpiredError
    from ..protocol.errors import UnsupportedTokenTypeError
    from .framework import Framework as FrameworkIntegration
    from .login import LoginApp as OAuth2Mixin
    from .oauth1_app import OAuth1App as OAuth1Mixin
    from .openid import OpenIDApp as OpenIDMixin
    from .remote_app import RemoteApp as BaseApp

__all__ = [
    "BaseApp",
    "FrameworkIntegration",
    "InvalidTokenError",
    "MismatchingStateError",
    "MissingRequestTokenError",
    "MissingTokenError",
    "OAuth1Mixin",
    "OAuth2Mixin",
    "OAuthError",
    "OpenIDMixin",
    "TokenExpiredError",
    "UnsupportedTokenTypeError",
]

# The names that users of the established client know: bases of what a framework's own package
# offers.
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "BaseApp": ".remote_app:RemoteApp",
        "FrameworkIntegration": ".framework:Framework",
        "InvalidTokenError": "..protocol.errors",
        "MismatchingStateError": "..protocol.errors",
        "MissingRequestTokenError": "..protocol.errors",
        "MissingTokenError": "..protocol.errors",
        "OAuth1Mixin": ".oauth1_app:OAuth1App",
        "OAuth2Mixin": ".login:LoginApp",
        "OAuthError": "..protocol.errors",
        "OpenIDMixin": ".openid:OpenIDApp",
        "TokenExpiredError": "..protocol.errors",
        "UnsupportedTokenTypeError": "..protocol.errors",
    },
)
