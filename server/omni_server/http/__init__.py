"""The streamable HTTP transport, and the routes beside it."""
