"""A plan of what could go, and acting on it: copies move into a quarantine, come back from it, or are ended there."""
