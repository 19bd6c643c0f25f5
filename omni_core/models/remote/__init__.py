"""Hearing, reading and embedding on other machines, in one call: `/read`."""
