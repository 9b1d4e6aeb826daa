"""The version and the place of the documentation, each in one place."""

__version__ = "0.1.0"

#: Where the documentation of the current release is.
DOCUMENTATION = "https://flask-oauthclient.readthedocs.io/en/stable/"
