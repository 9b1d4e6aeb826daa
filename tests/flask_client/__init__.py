"""Signing in with the blueprint, and what belongs to it."""
