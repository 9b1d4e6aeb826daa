"""OAuth 1.0a without a network."""
