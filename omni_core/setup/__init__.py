"""What `omni-mcp setup` offers, plans and does, without a word to the user.

profiles.toml  the choices, as data
choices        the same, typed
machine        what this machine has
library        what the library holds, and with which model
plan           what a choice takes: downloads, settings, room
packages       the packages of an extra
carrying_out   the downloads; a trial of the models

The conversation is `omni_server.cli.setup`.
"""
