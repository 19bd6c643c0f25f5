"""Reading and checking of settings: `values` and `kinds`, `toml_file`, `environment`."""
