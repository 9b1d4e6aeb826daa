"""The protocol core, driven by hand: no request leaves."""
