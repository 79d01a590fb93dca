"""Commands that run an app: feed it, follow it, mend it."""
