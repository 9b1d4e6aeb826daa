"""``OAuth1Session`` and ``OAuth1Auth`` on requests, with prepared answers for a network."""
