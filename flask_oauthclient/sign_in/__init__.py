"""Signing in and out, as the routes of both frameworks do it.

What a request is, how a page is rendered and where a session lives is the framework's: it stands
behind the :class:`~.site.Site` that each step is given.
"""
