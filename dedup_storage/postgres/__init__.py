"""The candidate index in PostgreSQL, which instances share and none has to load. Imported only where INDEX_URL asks."""
