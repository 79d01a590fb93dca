"""Decoders of files from strangers: in this process, or in child processes that can do nothing but compute."""
