"""What settings are read and checked with: `values` checks them, `toml_file` reads a file."""
