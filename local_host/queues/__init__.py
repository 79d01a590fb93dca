"""Queue triggers."""
