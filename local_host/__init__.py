"""Runs function_app.py against Azurite where Azure Functions Core Tools are not installed."""
