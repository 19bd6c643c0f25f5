"""Fuzzing of every parser of ours: `python -m bench.fuzz` (see `__main__`)."""
