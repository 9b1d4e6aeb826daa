"""The blueprint as it is deployed: gunicorn with several workers, nginx with TLS before them."""
