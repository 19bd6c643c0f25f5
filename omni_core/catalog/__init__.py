"""The catalog: which sources there are and how far each is. Written last, it is the commit point.

One SQLite file, one writing process (`lock.py`), any number of readers.
"""

from omni_core.catalog.store import Catalog as Catalog
