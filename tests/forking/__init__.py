"""Child processes for tests, forked from one that has imported what children import.

A child of an engine spends a second on imports, and most tests of an engine start three. Here they
are forked (Linux) with the same pipes, environment, sandbox and limits; what is not as in life:
the modules are there before the sandbox is entered. Tests of how children start do without."""
