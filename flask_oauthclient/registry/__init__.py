"""Registered clients, independent of the web framework."""
