"""The ledger: container, features rows, fingerprint log and pairs compared, both ways, and what is amiss mended."""
