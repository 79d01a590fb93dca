"""The images: their blobs, and the tags, links and moves of these."""
