"""Any model that sentence-transformers runs: described in `models.toml`, one class for all."""
