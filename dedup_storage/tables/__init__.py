"""The tables, and how rows become entities."""
