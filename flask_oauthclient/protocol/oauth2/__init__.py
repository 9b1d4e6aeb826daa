"""OAuth 2 as the RFCs have it, one file per concept."""
