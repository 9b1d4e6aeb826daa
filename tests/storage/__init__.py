"""Where pending logins live, and that each is taken once."""
