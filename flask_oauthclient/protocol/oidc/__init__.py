"""OpenID Connect on top of OAuth 2."""
