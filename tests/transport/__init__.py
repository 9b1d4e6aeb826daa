"""How requests are sent: over real sockets on the loopback interface."""
