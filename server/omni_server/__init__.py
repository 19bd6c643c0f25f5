"""The MCP server: a thin layer over `omni_core.Engine`.

access decides what may be read, tools are what the agent calls, render says it in few words.
"""
