"""A Django project as its developer writes it, run for real."""
