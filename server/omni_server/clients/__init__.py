"""MCP clients on this machine: where each keeps its servers, and how an entry is written there.

table        the clients: files, limits, how a variable is referred to
paths        the places of configuration files, by operating system and environment
server       what a client is told: a command to start, or a URL
forms        the same in each client's own words
document     a configuration file as text: one entry read, put, taken out
jsonc_*      JSON that keeps its comments, order and indentation while one member changes
change       the difference shown, then written at once with a backup beside it
checks       what is wrong with an entry, without starting anything
probe        the entry started, or its URL asked, as the client would
"""
