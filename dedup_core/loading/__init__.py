"""Images by path: downloads, budgets, counts."""
