"""Logins, from the redirect to the token."""
