"""What the sessions of every HTTP library do alike: one table of tests, at every edge.

An edge is a library, and for one that awaits, an event loop (:mod:`._edges`). Tests are written
as for a session that blocks; at the edges that await, each call is a task in one event loop.
"""
