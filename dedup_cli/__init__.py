"""The `dedup` command."""
