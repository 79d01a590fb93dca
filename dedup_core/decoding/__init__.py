"""Bytes to a small upright picture; every limit on hostile input."""
