"""How the commands talk: tables, progress, failures, pages, and the files that they write."""
