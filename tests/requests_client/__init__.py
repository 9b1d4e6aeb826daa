"""Sessions and auth objects of requests that speak OAuth 2."""
