"""Text: decoding, tokens, BM25 weights and windows, shared by ingest and search."""
