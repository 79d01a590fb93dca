"""Use cases over ports; knows no Azure SDK."""
