"""Commands that clear copies away by a plan, and bring them back."""
