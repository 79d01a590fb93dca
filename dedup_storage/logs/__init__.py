"""The append-only logs of fingerprints and verdicts, and the snapshots from which the index starts."""
