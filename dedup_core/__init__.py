"""Near-duplicate image detection on bytes and values: no I/O, no clock, no environment."""
