"""Results as MCP content: text for the model, the same facts as structured data."""
