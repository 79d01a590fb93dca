"""The HTTP API and the review page: one ASGI application, for the app in Azure and for `dedup review`."""
