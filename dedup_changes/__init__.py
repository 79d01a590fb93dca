"""Ways in which pictures are changed when they are passed on, each with the verdicts that are right for a copy."""
