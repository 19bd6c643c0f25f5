"""`omni-mcp worker`: the models of this machine, for servers on others."""
