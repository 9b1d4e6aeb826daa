"""Tokens in a database of Django: one refresh, whatever the application does around it."""
