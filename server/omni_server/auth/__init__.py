"""Who a caller is: static tokens, tokens of an OAuth authorization server, scopes and tenants."""
