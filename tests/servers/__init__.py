"""Servers written by others, started on free loopback ports for the tests."""
