"""The catalog: the sources and their states. It is written last: the commit point of an ingest.

One SQLite file, one writing process (`lock.py`), any number of readers.
"""

from omni_core.catalog.store import Catalog as Catalog
