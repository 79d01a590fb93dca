"""What the environment says: settings, each checked, and whose the tables are that they name."""
