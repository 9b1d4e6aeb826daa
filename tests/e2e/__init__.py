"""The blueprint in a real browser: Chromium signs in, out, and in trouble."""
