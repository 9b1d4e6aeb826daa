"""Files that type checkers read."""
