"""The command line: `omni-mcp VERB`, the same verbs and facts as the tools have.

parser    what can be typed; imports nothing of ours, so that --help is instant
main      run a verb, turn its errors into one line and an exit code
library   ingest, sources, forget
ask       search, similar, show
serving   serve, worker, schema
learn     models, eval, reindex, doctor
install   install, uninstall, doctor --client
printing  tables, times, progress, JSON
"""

from omni_server.cli.main import main as main
