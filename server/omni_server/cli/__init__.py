"""The command line: `omni-mcp VERB`.

parser    the arguments; imports nothing of this project, so that --help is instant
main      run a verb, turn its errors into one line and an exit code
library   ingest, sources, forget
watch     watch
ask       search, similar, show
serving   serve, worker, schema
measure   eval (evaluation_text prints its report); measure_mteb: mteb
vectors   export, import
learn     models, reindex, doctor
setup     setup; setup_words, setup_meter: what it prints
install   install, uninstall, doctor --client
printing  tables, times, progress, JSON
"""

from omni_server.cli.main import main as main
