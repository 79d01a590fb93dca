"""A small picture to what it is found again by."""
