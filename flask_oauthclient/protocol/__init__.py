"""What the RFCs say: no socket, no framework, no wall clock of its own.

Each endpoint is a pair of pure functions over frozen dataclasses (build a request, read a
response). An *exchange* is a generator over those pairs; :mod:`flask_oauthclient.transport`
drives it.
"""
