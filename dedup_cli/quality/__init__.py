"""Commands that tell how well copies are found, and which thresholds would do better."""
