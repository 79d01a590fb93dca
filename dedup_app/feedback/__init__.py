"""What people decide, and what that says of the verdicts."""
