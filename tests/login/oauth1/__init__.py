"""OAuth 1.0a clients in Flask."""
