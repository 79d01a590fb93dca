"""What a file and its pixels still tell of what was done to it: its distance from the camera."""
