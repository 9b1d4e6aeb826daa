"""The Django registry."""
