"""Tasks of the Massive Text Embedding Benchmark and its kin (MIEB, MAEB, MVEB, ViDoRe, MOEB).

run       tasks by their names, and what came of each
encoder   the encoder alone, as mteb's `EncoderProtocol`: vectors and cosine
library   the whole server, as mteb's `SearchProtocol`: files ingested, questions asked
columns   rows of mteb's data sets: what models take, and files

The package `mteb` is an extra, `omni-mcp[mteb]`; data sets come from the hub.
"""

from omni_core.mteb_tasks.run import Measured as Measured
from omni_core.mteb_tasks.run import run as run
