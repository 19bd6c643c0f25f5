"""The catalog: the sources and their states. It is written last: the commit point of an ingest.

`Catalog` is the contract; `SqliteCatalog` keeps it in one file of one writing process (`lock.py`)
with any number of readers, `PostgresCatalog` in a PostgreSQL database that many processes write.
`open_catalog` opens the one that the settings name.
"""

from omni_core.catalog.opening import obstacle as obstacle
from omni_core.catalog.opening import obstacle_later as obstacle_later
from omni_core.catalog.opening import open_catalog as open_catalog
from omni_core.catalog.opening import place_of as place_of
from omni_core.catalog.sqlite import SqliteCatalog as SqliteCatalog
from omni_core.catalog.store import Catalog as Catalog
