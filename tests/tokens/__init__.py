"""Real processes that share a store of tokens, and a provider that punishes a second use."""
