"""Where a pending login lives between the redirect and the callback."""
