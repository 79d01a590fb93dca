"""From a blob to the verdicts of its pairs: what uploads, deletions and messages start."""
