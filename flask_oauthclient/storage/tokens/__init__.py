"""Tokens that outlive a request: where they are kept, how they are sealed, who refreshes them."""
