"""Injections, the files that carry them, and a walk through all answers of a server."""
