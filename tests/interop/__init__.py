"""Logins at providers written by others, over real HTTP."""
