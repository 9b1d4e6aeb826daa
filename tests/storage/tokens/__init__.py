"""The stores of tokens: what all do, and what each does in its own way."""
