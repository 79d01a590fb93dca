"""The two webhooks that Event Grid posts to."""
