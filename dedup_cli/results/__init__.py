"""Commands that show or hand over what was found and decided."""
