"""Models on another machine: client, wire format and server of omni-mcp's worker, and vLLM."""
