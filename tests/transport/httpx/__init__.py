"""How requests are sent over httpx2: blocking, and in event loops of asyncio and of trio."""
