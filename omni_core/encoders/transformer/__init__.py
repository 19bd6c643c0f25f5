"""Any model that sentence-transformers runs: described in `models.toml`, run by one class."""
