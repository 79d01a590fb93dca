"""HTTP triggers, keys and the host's own pages."""
