"""The MCP server: thin hands over `omni_core.Engine`.

access decides what may be read, tools are what the agent calls, render says it in few words.
"""
