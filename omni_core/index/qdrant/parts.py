"""The modules that import the client, in one import that `server` makes when it opens."""

from omni_core.index.qdrant import collection as collection
from omni_core.index.qdrant import nodes as nodes
from omni_core.index.qdrant import points as points
