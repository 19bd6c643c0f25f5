"""Speakers: told apart at ingest or afterwards, named by people, recognised in other files."""
