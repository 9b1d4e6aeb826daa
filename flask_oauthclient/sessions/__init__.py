"""What the sessions of every HTTP library share.

A session gets tokens, presents them and replaces them. How, is written here once, as steps (see
:mod:`..transport._run`); a session class adds an HTTP library, and says whether it blocks
(:mod:`.blocking`) or awaits (:mod:`.asynchronous`).
"""
