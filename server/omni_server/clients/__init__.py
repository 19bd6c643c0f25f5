"""MCP clients on this machine: their configuration files and the entries in them.

table        the clients: files, limits, how a variable is referred to
paths        the places of configuration files, by operating system and environment
server       how this server is reached: a command to start, or a URL
forms        an entry in each client's format
document     reads, sets and removes one entry in the text of a configuration file
jsonc_*      JSON that keeps its comments, order and indentation while one member changes
change       the difference shown, then written at once with a backup beside it
checks       what is wrong with an entry, without starting anything
probe        the entry started, or its URL asked, as the client would
"""
