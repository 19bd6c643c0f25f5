"""`python -m omni_server` is `omni-mcp`."""

import sys

from omni_server.cli import main

if __name__ == "__main__":
    sys.exit(main())
