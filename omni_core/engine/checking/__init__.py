"""Looks a library over for damage, and mends what can be mended: `omni-mcp doctor`.

findings   what a look finds
points     is every point of the index sound?
looking    catalog, index, thumbnails, other files and caches, against each other
mending    files moved aside, rows and points made sound, sources read again
rebuilding thumbnails made again from the files
"""
