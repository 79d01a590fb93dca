"""Reads the Bicep files and tells what they create, for the tables in the docs and for the tests."""
