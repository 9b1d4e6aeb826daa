"""What a login, an API call and the bookkeeping around them cost: ours, Authlib's, a floor's."""
