"""Child processes for tests, forked from one that has imported what children import.

A child of an engine spends a second on imports, and most tests of an engine start three. Here they
are forked (Linux) with the same pipes, environment, sandbox and limits. One thing differs from a
real start: the modules are imported before the child enters its sandbox. Tests of how children
start therefore start them for real (`STARTED` in `tests/conftest.py`)."""
