"""Uploads photographs and made variants of them to a running app and shows what it says about them."""
