"""The tables of faults at every edge: Flask over httpx2, Django, and clients without a site.

The tables themselves are where Flask's tests are; what an edge is stands in :mod:`._sites`, and
what has no meaning at one in :mod:`._excused`.
"""
