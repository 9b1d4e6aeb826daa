"""What is particular to the clients on httpx2; see :mod:`tests.sessions` for the rest."""
