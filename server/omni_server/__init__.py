"""The MCP server and the command line: an interface to `omni_core.Engine` without logic of its own.

`access` decides which files may be read, `tools` are the MCP tools, `render` formats results.
"""
