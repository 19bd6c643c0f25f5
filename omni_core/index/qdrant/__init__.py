"""Qdrant over the network, for `omni_core.index.server`; the only package with `qdrant_client`.

address     what the settings say about the server; imports nothing of the client
nodes       connections to the nodes, and requests that another node answers when one does not
failures    the client's exceptions as StoreError, one line that says what to do
collection  how a collection is made, what it says about itself, and its alias
points      points, filters and questions in the client's types and back
look        everything about a collection on a server, for `omni-mcp doctor`

All but `address` import the client, which takes 1 s and 85 MB; it is an optional extra.
"""
