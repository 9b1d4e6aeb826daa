"""The framework-neutral registry: documents, single flight, options."""
