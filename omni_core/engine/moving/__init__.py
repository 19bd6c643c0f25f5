"""A library moved as a whole: to another index, into a backup and back.

migrating  from one index to another: points copied, compared, then the settings are switched
copying    the points of a migration, source by source
comparing  whether two indexes hold the same and answer the same
backup     the files of a store, copied while it is in use
restoring  such a copy put back
"""
