"""The page on which people look through the library: at `/` over HTTP, and as an MCP App."""
