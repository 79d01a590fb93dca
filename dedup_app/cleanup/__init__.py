"""Acting on a plan: copies move into a quarantine container, come back from it, or are ended there."""
