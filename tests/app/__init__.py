"""The use cases, driven over in-memory twins of the ports."""
