"""Verdicts, decisions and deletions -> groups of the same picture, each with the copy to keep and why."""
