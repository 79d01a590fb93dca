"""Blob triggers: finding blobs, announcing each version once, running the functions."""
